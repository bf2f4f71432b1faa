// Shown by a Jupyter server, the guide can open a notebook there. Opened as a file it cannot: then
// what stands on the page, a command, is all there is.
const served = location.pathname.match(/^(.*\/workbook)\/guide\//);
for (const place of served ? document.querySelectorAll("[data-notebook]") : []) {
  const link = document.createElement("a");
  link.href = `${served[1]}/open/${place.dataset.notebook}`;
  link.textContent = "in JupyterLab";
  place.append(", or here: ", link);
}
