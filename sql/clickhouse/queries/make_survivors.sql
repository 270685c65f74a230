-- A table like the one whose rows will be copied; {source:Name} is a table's name, which no parameter can stand for here.
CREATE TABLE {survivors:Identifier} AS {source:Name};
