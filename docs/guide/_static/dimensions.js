/* The calculator of sheets/dimensions: shapes, parameters, cache and work of one stack of blocks.
   `calculate` is the same as `calculate` of making/dimensions.py; a test holds them together. */
(function () {
  "use strict";

  function counted(number) {
    return number.toLocaleString("en-US");
  }

  function shape() {
    return "(" + Array.from(arguments).join(", ") + ")";
  }

  /** Every size of the table, as it is shown, by its key. */
  function calculate(c) {
    var query = c.num_heads * c.head_dim;
    var key = c.num_kv_heads * c.head_dim;
    var matrices = c.d_model * (2 * query + 2 * key);
    var attention = matrices + (c.bias ? query + 2 * key + c.d_model : 0);
    var inner = (c.gated ? 3 : 2) * c.d_model * c.d_ff;
    var feedForward = inner + (c.bias ? (c.gated ? 2 : 1) * c.d_ff + c.d_model : 0);
    var norms = (2 * c.num_layers + 1) * c.d_model * (c.bias ? 2 : 1);
    var out = c.vocab_size * c.d_model;
    var tables = out + c.max_len * c.d_model + (c.output === "own" ? out : 0);
    var parameters = c.num_layers * (attention + feedForward) + norms + tables;
    var cache = 2 * c.num_layers * key * c.bytes_per_number;
    var multiplied = c.num_layers * (matrices + inner) + (c.output === "none" ? 0 : out);
    return {
      ids: shape(c.batch, c.length),
      x: shape(c.batch, c.length, c.d_model),
      w_q: shape(query, c.d_model),
      w_k: shape(key, c.d_model),
      w_o: shape(c.d_model, query),
      q: shape(c.batch, c.num_heads, c.length, c.head_dim),
      k: shape(c.batch, c.num_kv_heads, c.length, c.head_dim),
      scores: shape(c.batch, c.num_heads, c.length, c.length),
      heads: shape(c.batch, c.length, query),
      hidden: shape(c.batch, c.length, c.d_ff),
      logits: c.output === "none" ? "–" : shape(c.batch, c.length, c.vocab_size),
      attention_parameters: counted(attention),
      feed_forward_parameters: counted(feedForward),
      table_parameters: counted(tables),
      parameters: counted(parameters),
      parameter_bytes: counted(parameters * c.bytes_per_number),
      cache_bytes_a_token: counted(cache),
      cache_bytes: counted(cache * c.batch * c.length),
      flops_a_token: counted(2 * multiplied + 4 * c.num_layers * query * c.length),
    };
  }

  /** What is typed into the form; a field that holds no whole number is null. */
  function typed(form) {
    var config = {};
    form.querySelectorAll("input").forEach(function (field) {
      config[field.name] = /^\d{1,9}$/.test(field.value.trim()) ? Number(field.value) : null;
    });
    config.gated = form.elements.namedItem("gated").value === "true";
    config.bias = form.elements.namedItem("bias").value === "true";
    config.output = form.elements.namedItem("output").value;
    return config;
  }

  /** The first thing that cannot be so, in words; empty if there is none. */
  function wrong(form, config) {
    var fields = Array.from(form.querySelectorAll("input"));
    var bad = fields.find(function (field) {
      return config[field.name] === null || config[field.name] < Number(field.min);
    });
    if (bad) {
      return bad.closest("label").firstChild.textContent + ": a whole number, at least " + bad.min;
    }
    if (config.num_heads % config.num_kv_heads !== 0) {
      return "The key/value heads have to divide the query heads: each serves as many.";
    }
    return "";
  }

  function refresh(form) {
    var config = typed(form);
    var says = wrong(form, config);
    var alert = form.querySelector('[role="alert"]');
    if (alert.textContent !== says) {
      alert.textContent = says;
    }
    var sizes = says ? {} : calculate(config);
    form.querySelectorAll("[data-key]").forEach(function (cell) {
      cell.textContent = sizes[cell.dataset.key] || "–";
    });
  }

  function set(form, config) {
    Object.keys(config).forEach(function (name) {
      // By namedItem: `elements.length` is how many there are, not the field of this name.
      form.elements.namedItem(name).value = String(config[name]);
    });
    refresh(form);
  }

  var form = document.getElementById("dimensions");
  if (form) {
    var presets = JSON.parse(form.querySelector(".presets").textContent);
    form.addEventListener("input", function (event) {
      if (event.target.name === "preset") {
        set(form, presets[event.target.value]);
      } else {
        refresh(form);
      }
    });
    form.addEventListener("submit", function (event) {
      event.preventDefault();
    });
  }
  window.guideDimensions = { calculate: calculate };
})();
