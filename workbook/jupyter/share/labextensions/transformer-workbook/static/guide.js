// A link in the toolbar of each of the workbook's notebooks to what the guide says of it. This is a
// container of module federation, which JupyterLab loads as it loads those that webpack makes.
(() => {
  let shared;

  /** A module that JupyterLab itself uses, whatever its version. */
  const ofLab = async (name) => (await Object.values(shared[name])[0].get())();

  /** Where the guide is, and the notebooks by their titles; nothing where no server shows it. */
  const guide = () => {
    const page = document.getElementById("jupyter-config-data");
    return JSON.parse(page?.textContent || "{}").workbookGuide;
  };

  /** Where the guide tells of a notebook; nothing where it does not. */
  const address = ({ address, notebooks }, { title }) => {
    if (notebooks[title] === undefined) return undefined;
    return notebooks[title] ? `${address}exercises.html#${notebooks[title]}` : address;
  };

  const plugin = {
    id: "transformer-workbook:guide",
    description: "A link to the guide in the toolbar of the workbook's notebooks.",
    autoStart: true,
    activate: async (app) => {
      const known = guide();
      if (!known) return;
      const { Widget } = await ofLab("@lumino/widgets");
      app.docRegistry.addWidgetExtension("Notebook", {
        createNew(panel, context) {
          context.ready.then(() => {
            const about = context.model.getMetadata("workbook");
            const href = about && address(known, about);
            if (!href || panel.isDisposed) return;
            const link = document.createElement("a");
            Object.assign(link, { href, target: "_blank", textContent: "Guide" });
            link.title = "What the guide says of this notebook, in another tab";
            link.style.cssText = "align-self: center; padding: 0 .5em; color: var(--jp-content-link-color); text-decoration: underline";
            const node = document.createElement("div");
            node.style.display = "flex";
            node.append(link);
            const shown = ["workbook-guide", new Widget({ node })];
            panel.toolbar.insertBefore("spacer", ...shown) || panel.toolbar.addItem(...shown);
          });
        },
      });
    },
  };

  (window._JUPYTERLAB ??= {})["transformer-workbook"] = {
    init: (scope) => {
      shared = scope;
    },
    get: async () => () => ({ __esModule: true, default: plugin }),
  };
})();
