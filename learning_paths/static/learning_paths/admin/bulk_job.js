/* Keeps the page of a job that is not over up to date, and loads it anew when the job is. */
"use strict";
{
    const place = document.getElementById("lp-progress");
    const bar = place.querySelector("progress");
    const EVERY = 1000;
    const AFTER_A_FAULT = 5000;
    const ROWS_EVERY = 5000;
    const LIVE = ["#lp-rows tbody", "[data-job=started]"];
    const leaving = new AbortController();
    let rowsAt = 0;
    let leftToDo;

    const show = (job) => {
        bar.value = job.percent;
        document.querySelector("[data-job=text]").textContent = job.text;
        document.querySelector("[data-job=state]").textContent = job.state_label;
        for (const count of document.querySelectorAll("[data-count]")) {
            count.textContent = job.counts[count.dataset.count];
        }
    };

    // The rows, and when the job began, are taken from the page as it is now: seldom, and only if there is news.
    const showRows = async (job) => {
        if (job.counts.not_done === leftToDo || Date.now() - rowsAt < ROWS_EVERY) {
            return;
        }
        rowsAt = Date.now();
        leftToDo = job.counts.not_done;
        const page = new DOMParser().parseFromString(await (await fetch(window.location.href, {signal: leaving.signal})).text(), "text/html");
        for (const selector of LIVE) {
            const [old, fresh] = [document.querySelector(selector), page.querySelector(selector)];
            if (old && fresh) {
                old.replaceWith(fresh);
            }
        }
    };

    const look = async () => {
        let wait = EVERY;
        try {
            const response = await fetch(place.dataset.url, {
                headers: {"Accept": "application/json"},
                signal: leaving.signal,
            });
            if (!response.ok) {
                throw new Error(String(response.status));
            }
            const job = await response.json();
            if (leaving.signal.aborted) {
                return;
            }
            show(job);
            if (job.is_over) {
                window.location.reload();
                return;
            }
            await showRows(job);
        } catch {
            wait = AFTER_A_FAULT;
        }
        if (!leaving.signal.aborted) {
            setTimeout(look, wait);
        }
    };

    // Whoever presses a button is on the way to the next page, and to what it says: nothing may come in between.
    document.addEventListener("submit", () => leaving.abort());

    setTimeout(look, EVERY);
}
