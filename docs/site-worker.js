// Browsers start no worker from a page on disk. This lends the search its worker in a hidden frame, which they allow.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      const start = `<script>
        postMessage = (data) => parent.postMessage({ worker: true, data }, "*");
        importScripts = (...urls) => Promise.all(urls.map((url) => new Promise((resolve, reject) => {
          const script = Object.assign(document.createElement("script"), { src: url, onload: resolve, onerror: reject });
          document.body.append(script);
        })));
      <\/script><script src="${new URL(url, location.href)}"><\/script>`;
      // The search may speak before the frame listens.
      this.ready = new Promise((resolve) => frame.addEventListener("load", () => resolve(frame.contentWindow)));
      window.addEventListener("message", (event) => {
        if (event.source !== frame.contentWindow) return;
        const message = new MessageEvent("message", { data: event.data.data });
        this.dispatchEvent(message);
        this.onmessage?.(message);
      });
      frame.srcdoc = `<html><body>${start}</body></html>`;
      document.body.append(frame);
    }
    postMessage(data) {
      this.ready.then((worker) => worker.dispatchEvent(new worker.MessageEvent("message", { data })));
    }
    terminate() {}
  };
}
