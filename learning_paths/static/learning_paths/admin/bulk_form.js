/* Says how many addresses are typed, stops a text that the server would refuse with everything else typed, and names the
   searches that select2 leaves without a label. */
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
        // Arrow keys pass through what is not meant: who chooses by keys goes on to the button.
        let byKey = false;
        subscription.addEventListener("keydown", () => {
            byKey = true;
        });
        subscription.addEventListener("pointerdown", () => {
            byKey = false;
        });
        subscription.addEventListener("change", () => {
            if (!byKey) {
                choose.click();
            }
        });
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

    const name = () => {
        for (const search of form.querySelectorAll(".select2-search__field:not([aria-labelledby])")) {
            const label = search.closest(".form-row").querySelector("label");
            label.id ||= `${label.htmlFor}-label`;
            search.setAttribute("aria-labelledby", label.id);
        }
    };
    new MutationObserver(name).observe(form, {childList: true, subtree: true});
    name();
}
