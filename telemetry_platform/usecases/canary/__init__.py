"""The canary: unique marks are sent wherever personal data could hide, and looked for in everything that is at rest."""
