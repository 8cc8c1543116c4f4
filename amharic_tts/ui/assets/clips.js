// The clip table: a click anywhere in a row opens it.
element.addEventListener("click", (event) => {
  const row = event.target.closest("tr[data-id]");
  if (!row) return;
  element.querySelectorAll("tr.clip-now").forEach((one) => one.classList.remove("clip-now"));
  row.classList.add("clip-now");
  trigger("select", { value: row.dataset.id });
});
