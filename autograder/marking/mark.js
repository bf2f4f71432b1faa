// Sends what is typed, says what came of it, and goes on. Text is only ever set as text.
"use strict";
{
  const said = document.querySelector("body > [role=status]");
  const left = document.querySelector("header .left");
  const xsrf = document.querySelector("meta[name=xsrf]").content;
  const forms = [...document.querySelectorAll("article > form")];
  const waits = form => "waits" in form.dataset;

  const say = (text, refused) => {
    said.textContent = text;
    said.classList.toggle("refused", refused);
  };

  const goTo = form => {
    form.closest("article").scrollIntoView();
    form.elements.points.focus({ preventScroll: true });
    form.elements.points.select();
  };

  // The next that waits, after this one and then from the top.
  const next = form => {
    const place = forms.indexOf(form) + 1;
    return [...forms.slice(place), ...forms.slice(0, place)].find(waits);
  };

  const show = (form, answer) => {
    form.dataset.marks = answer.marks;
    form.toggleAttribute("data-waits", answer.waits);
    form.querySelector(".state").textContent = answer.state;
  };

  const refused = (form, why) => {
    form.elements.points.setAttribute("aria-invalid", "true");
    say(`${form.dataset.called} is not saved: ${why}.`, true);
  };

  const save = async form => {
    if ("saving" in form.dataset) return;
    form.dataset.saving = "";
    const { points, comment } = form.elements;
    const typed = { points: points.value, comment: comment.value };
    try {
      const response = await fetch(`/answer/${form.dataset.id}`, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-XSRFToken": xsrf },
        body: JSON.stringify({ ...typed, marks: form.dataset.marks, text: form.dataset.text }),
      });
      const told = await response.json().catch(() => (
        { refused: "open the address that workbook mark printed again" }));
      if (told.now) show(form, told.now);
      if (told.refused) return refused(form, told.refused);
      points.removeAttribute("aria-invalid");
      points.value = told.now.points;
      if (comment.value === typed.comment) delete form.dataset.typed;
      left.textContent = told.left;
      const following = next(form);
      say(`Saved: ${form.dataset.called}. ${told.now.state}. ${
        following ? `${told.left} left.` : "None is left here."}`, false);
      if (following) goTo(following);
    } catch {
      refused(form, "the server does not answer; is workbook mark still running?");
    } finally {
      delete form.dataset.saving;
    }
  };

  for (const form of forms) {
    form.addEventListener("input", () => { form.dataset.typed = ""; });
    form.addEventListener("submit", event => {
      event.preventDefault();
      save(form);
    });
    // Where a key led to fields whose answer is still below the edge, as they stay in sight.
    form.addEventListener("keyup", event => {
      const article = form.closest("article");
      const below = article.getBoundingClientRect().top > innerHeight / 2;
      if (event.key === "Tab" && below) article.scrollIntoView();
    });
    form.elements.comment.addEventListener("keydown", event => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) save(form);
    });
  }
  document.querySelector("header .first").addEventListener("click", () => {
    const first = forms.find(waits);
    if (first) goTo(first);
    else say("None is left here.", false);
  });
  // What is typed and not saved is not lost without a question.
  addEventListener("beforeunload", event => {
    if (forms.some(form => "typed" in form.dataset)) event.preventDefault();
  });
}
