/* Puts the steps of a learning path in order: by dragging, by buttons, or by typing a number. What is sent are the numbers,
   which can be typed without this script too. Rows keep the names of their fields wherever they stand. */
"use strict";
{
    const EDGE = 60, SPEED = 12;  // pixels: where dragging scrolls the page, and how far each time

    const begin = (box) => {
        const body = box.querySelector("tbody");
        const status = box.querySelector("[role=status]");
        const words = box.dataset;

        const rows = () => [...body.querySelectorAll(":scope > tr.form-row:not(.empty-form)")];
        const number = (row) => row.querySelector("input[name$='-order']");
        const course = (row) => row.querySelector("select[name$='-course_key']");
        const isLeaving = (row) => row.querySelector("input[name$='-DELETE']:checked") !== null;
        const isStep = (row) => !isLeaving(row) && Boolean(course(row)?.value);
        const value = (row) => (number(row).value === "" ? Infinity : Number(number(row).value));
        const index = (row) => Number(row.id.split("-").pop());
        const name = (row) => course(row)?.selectedOptions[0]?.textContent.trim() || words.nameless;
        const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, key) => values[key]);

        /* Errors of a row stand in a row of their own above it. */
        const unit = (row) => {
            const above = row.previousElementSibling;
            return above?.classList.contains("row-form-errors") ? [above, row] : [row];
        };

        /* The fixed row is not taken out of the page, and so keeps the focus and the pointer. */
        const arrange = (order, fixed) => {
            const place = order.indexOf(fixed);
            const [top] = unit(fixed);
            for (const row of order.slice(0, place)) {
                top.before(...unit(row));
            }
            for (const row of order.slice(place + 1).reverse()) {
                fixed.after(...unit(row));
            }
        };

        const moved = (order, row, to) => {
            const others = order.filter((other) => other !== row);
            others.splice(to, 0, row);
            return others;
        };

        const renumber = () => {
            let count = 0;
            for (const row of rows()) {
                if (isStep(row)) {
                    number(row).value = ++count;
                } else if (isLeaving(row)) {
                    number(row).value = "";
                }
            }
        };

        const refresh = () => {
            const here = rows().filter((row) => !isLeaving(row));
            for (const row of rows()) {
                const [up, down] = row.querySelectorAll(".lp-move");
                up.setAttribute("aria-label", fill(words.up, {step: name(row)}));
                down.setAttribute("aria-label", fill(words.down, {step: name(row)}));
                up.setAttribute("aria-disabled", row === here[0]);
                down.setAttribute("aria-disabled", row === here.at(-1));
                row.querySelector(".lp-order-tools").classList.toggle("lp-order-leaving", isLeaving(row));
                up.disabled = down.disabled = isLeaving(row);
            }
        };

        const announce = (row) => {
            const here = rows().filter((other) => !isLeaving(other));
            const values = {step: name(row), place: here.indexOf(row) + 1, total: here.length};
            status.textContent = fill(words.moved, values);
        };

        const settle = (row) => {
            renumber();
            refresh();
            announce(row);
        };

        const shift = (row, by) => {
            const all = rows();
            let to = all.indexOf(row) + by;
            while (all[to] && isLeaving(all[to])) {
                to += by;
            }
            if (all[to]) {
                arrange(moved(all, row, to), row);
            }
            settle(row);
            row.scrollIntoView({block: "nearest"});
        };

        /* A typed number is a place, and the others make room. Where a path has gaps between its numbers it is what it
           was there: a number between others, which keep theirs. */
        const take = (row) => {
            const all = rows();
            const others = all.filter((other) => other !== row && isStep(other));
            const isRising = (steps) => steps.every((step, at) => at === 0 || value(steps[at - 1]) < value(step));
            const typed = value(row);
            const isGapless = isRising(others) && others.every((other) => value(other) <= others.length + 1);
            const next = isGapless ? others[Math.max(Math.floor(typed), 1) - 1] : others.find((other) => value(other) >= typed);
            const rest = all.filter((other) => other !== row);
            arrange(moved(all, row, next ? rest.indexOf(next) : rest.length), row);
            if (isGapless || !isRising(rows().filter(isStep))) {
                renumber();
            }
            refresh();
            announce(row);
        };

        /* A step that was added comes last, unless it was given a number or moved before its course was chosen. */
        const join = (row) => {
            const steps = rows().filter(isStep);
            if (row.classList.contains("has_original")) {
                // another course in the place of the former
            } else if (number(row).value !== "") {
                take(row);
            } else if (row !== steps.at(-1)) {
                settle(row);
            } else if (steps.slice(0, -1).every((step) => value(step) < Infinity)) {
                number(row).value = Math.max(0, ...steps.slice(0, -1).map(value)) + 1;
            }
            refresh();
        };

        const button = (kind, sign) => {
            const made = document.createElement("button");
            made.type = "button";
            made.className = `lp-move lp-move-${kind}`;
            made.textContent = sign;
            return made;
        };

        const equip = (row) => {
            const tools = document.createElement("span");
            tools.className = "lp-order-tools";
            const handle = document.createElement("span");
            handle.className = "lp-drag";
            handle.title = words.drag;
            number(row).before(tools);
            tools.append(handle, number(row), button("up", "↑"), button("down", "↓"));
            const heads = [...box.querySelectorAll("thead th")];
            for (const cell of row.cells) {
                cell.dataset.label = heads[cell.cellIndex]?.textContent.trim() || "";
            }
        };

        let drag = null;

        const pull = () => {
            for (;;) {
                const all = rows();
                const at = all.indexOf(drag.row);
                const middle = (row) => {
                    const {top, height} = row.getBoundingClientRect();
                    return top + height / 2;
                };
                if (all[at - 1] && drag.y < middle(all[at - 1])) {
                    arrange(moved(all, drag.row, at - 1), drag.row);
                } else if (all[at + 1] && drag.y > middle(all[at + 1])) {
                    arrange(moved(all, drag.row, at + 1), drag.row);
                } else {
                    return;
                }
            }
        };

        const scroll = (begun) => {
            if (drag !== begun) {
                return;
            }
            const by = drag.y < EDGE ? -SPEED : drag.y > window.innerHeight - EDGE ? SPEED : 0;
            if (by) {
                window.scrollBy(0, by);
                pull();
            }
            requestAnimationFrame(() => scroll(begun));
        };

        const drop = (isMeant) => {
            if (!drag) {
                return;
            }
            const {row, before} = drag;
            drag = null;
            row.classList.remove("lp-dragging");
            if (!isMeant) {
                arrange(before, row);
            } else if (rows().some((other, at) => other !== before[at])) {
                settle(row);
            }
        };

        const listen = () => {
            body.addEventListener("pointerdown", (event) => {
                const handle = event.target.closest(".lp-drag");
                if (handle && event.isPrimary && event.button === 0 && !drag) {
                    event.preventDefault();
                    handle.setPointerCapture(event.pointerId);
                    drag = {row: handle.closest("tr"), before: rows(), y: event.clientY};
                    drag.row.classList.add("lp-dragging");
                    scroll(drag);
                }
            });
            body.addEventListener("pointermove", (event) => {
                if (drag) {
                    drag.y = event.clientY;
                    pull();
                }
            });
            body.addEventListener("pointerup", () => drop(true));
            body.addEventListener("pointercancel", () => drop(false));
            document.addEventListener("keydown", (event) => {
                if (event.key === "Escape") {
                    drop(false);
                }
            });
            body.addEventListener("click", (event) => {
                const pressed = event.target.closest(".lp-move");
                if (pressed) {
                    shift(pressed.closest("tr"), pressed.classList.contains("lp-move-up") ? -1 : 1);
                }
            });
            body.addEventListener("change", ({target}) => {
                const row = target.closest("tr");
                if (target.name.endsWith("-DELETE")) {
                    renumber();
                    refresh();
                } else if (target === number(row) && isStep(row)) {
                    take(row);
                }
            });
            // select2 tells jQuery alone.
            django.jQuery(body).on("change", "select", ({target}) => join(target.closest("tr")));

            body.addEventListener("formset:added", ({target}) => {
                equip(target);
                refresh();
            });
            document.addEventListener("formset:removed", ({detail}) => {
                const shown = rows();
                if (`${detail.formsetName}-group` !== body.closest(".inline-group").id || !shown.length) {
                    return;
                }
                // Django is about to number the fields of the rows anew, by their places in the page. The first ones
                // must be those that are stored.
                arrange([...shown].sort((one, other) => index(one) - index(other)), shown[0]);
                queueMicrotask(() => {
                    arrange(shown, shown[0]);
                    renumber();
                    refresh();
                });
            });
        };

        if (!rows().every(number)) {
            return;  // for those who may not change the steps
        }
        rows().forEach(equip);
        // After an error the rows come back as they were sent, with the numbers that they were given.
        const sorted = rows().sort((one, other) => (value(one) === value(other) ? 0 : value(one) - value(other)));
        if (sorted.length) {
            arrange(sorted, sorted[0]);
        }
        refresh();
        listen();
        box.classList.add("lp-order-on");
        box.querySelector(".lp-order-help").hidden = false;
    };

    document.addEventListener("DOMContentLoaded", () => {
        document.querySelectorAll(".lp-order").forEach(begin);
    });
}
