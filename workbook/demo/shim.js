// Stands in for a notebook's model: the state is kept in the address, so that a link shows it again.
const values = JSON.parse(document.getElementById("numbers").textContent);
try {
  values.state = JSON.parse(decodeURIComponent(location.hash.slice(1)) || "{}");
} catch {
  values.state = {}; // an address that somebody cut
}
demo.render({
  el: document.getElementById("demo"),
  model: {
    get: (name) => values[name],
    set: (name, value) => {
      values[name] = value;
      if (name === "state") history.replaceState(null, "", `#${encodeURIComponent(JSON.stringify(value))}`);
    },
    save_changes() {},
  },
});
