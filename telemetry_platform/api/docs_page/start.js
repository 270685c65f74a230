"use strict";
// Draws the OpenAPI document. A file of its own, because the page's policy allows no script in the page itself.

const page = document.getElementById("page");

const dark = window.matchMedia("(prefers-color-scheme: dark)");
const paint = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", paint);
paint();

window.SwaggerUIBundle({
  domNode: page,
  url: page.dataset.document,
  deepLinking: true,
  tryItOutEnabled: true,
  // A token typed into the page is gone when the page is.
  persistAuthorization: false,
  // Else the document's address would be told to a validator on somebody else's server.
  validatorUrl: null,
});
