/** The page's end of its service worker: files are kept, and threads get the isolation that a static host cannot give. */

const LONGEST = 5000; // milliseconds that the work waits for it: all but threads and the offline use goes without

let isUsed = false;
const use = (): void => {
  isUsed = true;
};
// Whatever a visitor has begun would be lost with the page: a file's choosing, too, which begins with a click.
for (const kind of ['change', 'drop', 'paste']) addEventListener(kind, use, { capture: true, once: true });
document.querySelector('main')?.addEventListener('click', use, { capture: true, once: true });

/** Have the page's files kept; null where there is no such thing, such as in private windows and in some frames. */
export async function serviceWorker(): Promise<ServiceWorkerRegistration | null> {
  if (import.meta.env.DEV) return null;
  try {
    const { serviceWorker: container } = navigator; // undefined without HTTPS, and some frames may not ask
    const registration = await container.register('./sw.js');
    container.addEventListener('message', ({ data }) => {
      if (data === 'all kept') document.body.dataset.offline = 'yes';
    });
    const { installing, active } = registration;
    if (!active && installing) await soon((done) => whenSettled(installing, done));
    if (!container.controller && registration.active)
      await soon((done) => container.addEventListener('controllerchange', done, { once: true }));
    return registration.active && registration;
  } catch {
    return null;
  }
}

/** Whether the page comes once more, isolated, which threads need: never when a visitor has begun something. */
export function comesAgain(helper: ServiceWorkerRegistration | null): boolean {
  const isFramed = window.top !== window.self; // there the page around it decides
  const [visit] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
  if (!helper || isUsed || crossOriginIsolated || isFramed || visit?.type === 'reload') return false;
  location.reload();
  return true;
}

/** Have the rest fetched, now that the page has what it needs. */
export function keepAll(helper: ServiceWorkerRegistration | null): void {
  (helper?.waiting ?? helper?.active)?.postMessage('keep all');
}

function whenSettled(worker: ServiceWorker, done: () => void): void {
  worker.addEventListener('statechange', () => {
    if (worker.state === 'activated' || worker.state === 'redundant') done();
  });
}

/** Wait for something, but not for ever. */
function soon(wait: (done: () => void) => void): Promise<void> {
  return new Promise((done) => {
    wait(done);
    setTimeout(done, LONGEST);
  });
}
