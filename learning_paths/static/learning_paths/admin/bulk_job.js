/* Keeps the page of a job that is not over up to date, and loads it anew when the job is. */
"use strict";
{
    const place = document.getElementById("lp-progress");
    const bar = place.querySelector("progress");
    const EVERY = 1000;
    const AFTER_A_FAULT = 5000;

    const show = (job) => {
        bar.value = job.percent;
        document.querySelector("[data-job=text]").textContent = job.text;
        document.querySelector("[data-job=state]").textContent = job.state_label;
        for (const count of document.querySelectorAll("[data-count]")) {
            count.textContent = job.counts[count.dataset.count];
        }
    };

    const look = async () => {
        let wait = EVERY;
        try {
            const response = await fetch(place.dataset.url, {headers: {"Accept": "application/json"}});
            if (!response.ok) {
                throw new Error(String(response.status));
            }
            const job = await response.json();
            show(job);
            if (job.is_over) {
                window.location.reload();
                return;
            }
        } catch {
            wait = AFTER_A_FAULT;
        }
        setTimeout(look, wait);
    };

    setTimeout(look, EVERY);
}
