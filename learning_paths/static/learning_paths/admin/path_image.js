/* Shows the image that was chosen before it is sent. It is painted rather than linked to: a page may be forbidden to show
   images from addresses that are not the site's. */
"use strict";
{
    const WIDTH = 640, HEIGHT = 360;  // pixels to paint, twice those of the style sheet, for fine screens

    const begin = (box) => {
        const input = box.querySelector("input[type=file]");
        const clear = box.querySelector("input[type=checkbox]");
        const stored = box.querySelector(".lp-image-stored");
        const canvas = document.createElement("canvas");
        canvas.className = "lp-image-chosen";
        canvas.hidden = true;
        canvas.setAttribute("role", "img");
        box.prepend(canvas);
        const status = document.createElement("p");
        status.className = "help";
        status.setAttribute("role", "status");
        box.querySelector(".lp-image-field").append(status);

        const say = (text, isError = false) => {
            status.textContent = text;
            status.classList.toggle("lp-image-error", isError);
        };

        const paint = (image) => {
            const scale = Math.min(1, WIDTH / image.width, HEIGHT / image.height);
            canvas.width = Math.max(1, Math.round(image.width * scale));
            canvas.height = Math.max(1, Math.round(image.height * scale));
            canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
            const text = box.dataset.chosen.replace("{width}", image.width).replace("{height}", image.height);
            canvas.setAttribute("aria-label", input.files[0].name);
            say(text);
        };

        const show = async () => {
            const [file] = input.files;
            let image = null;
            let problem = "";
            if (file && file.size > Number(box.dataset.limit)) {
                problem = box.dataset.tooLarge;
            } else if (file) {
                image = await createImageBitmap(file).catch(() => null);
                problem = image ? "" : box.dataset.broken;
            }
            if (file !== input.files[0]) {
                return;  // another one was chosen meanwhile
            }
            if (file && clear) {
                clear.checked = false;
            }
            say(problem, true);
            canvas.hidden = !image;
            if (image) {
                paint(image);
                image.close();
            } else if (clear && clear.checked) {
                say(box.dataset.removed);
            }
            if (stored) {
                stored.hidden = Boolean(image);
                stored.classList.toggle("lp-image-removed", Boolean(clear && clear.checked));
            }
        };

        input.addEventListener("change", show);
        if (clear) {
            clear.addEventListener("change", () => {
                if (clear.checked) {
                    input.value = "";
                }
                show();
            });
        }
        show();  // a page that is gone back to still has what was chosen on it
    };

    document.addEventListener("DOMContentLoaded", () => {
        document.querySelectorAll(".lp-image").forEach(begin);
    });
}
