// Copies the link. Without this file the field is there to be selected and copied by hand.
for (const button of document.querySelectorAll("[data-copy]")) {
  const field = document.getElementById(button.dataset.copy);
  field.addEventListener("focus", () => field.select());
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(field.value);
      document.getElementById("copied").textContent = "Copied.";
    } catch {
      field.select();
      document.getElementById("copied").textContent = "Select the field and copy it.";
    }
  });
}
