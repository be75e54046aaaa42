/* Says how many addresses are typed, stops a text that the server would refuse with everything else typed, and names the
   search for paths, which select2 leaves without a label. */
"use strict";
{
    const form = document.getElementById("bulk-form");
    const box = form.querySelector("[name=emails]");
    const hint = document.createElement("p");
    hint.className = "help";
    hint.setAttribute("role", "status");
    box.closest(".form-row").append(hint);

    const subscription = form.querySelector("[name=subscription]");
    if (subscription) {
        const choose = form.querySelector("[name=_choose_subscription]");
        subscription.addEventListener("change", () => choose.click());
    }

    const limit = Number(box.dataset.limit);
    const tooLong = () => limit > 0 && new Blob([box.value]).size > limit * 0.95;

    const tell = () => {
        const typed = box.value.match(/[^\s,;<>]+@[^\s,;<>]+/g) || [];
        if (tooLong()) {
            hint.textContent = form.dataset.tooLong;
        } else {
            hint.textContent = typed.length ? `${form.dataset.typed} ${typed.length.toLocaleString()}` : "";
        }
        hint.className = tooLong() ? "errornote" : "help";
    };

    let timer;
    box.addEventListener("input", () => {
        clearTimeout(timer);
        timer = setTimeout(tell, 200);
    });
    form.addEventListener("submit", (event) => {
        if (tooLong()) {
            event.preventDefault();
            tell();
            box.focus();
        }
    });
    tell();

    const paths = form.querySelector(".field-learning_paths");
    const label = paths.querySelector("label");
    label.id = "lp-paths-label";
    const name = () => paths.querySelector(".select2-search__field")?.setAttribute("aria-labelledby", label.id);
    new MutationObserver(name).observe(paths, {childList: true, subtree: true});
    name();
}
