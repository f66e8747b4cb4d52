// Does jobs that are nothing, and says when each of the numbers given was reached: `worker.js PORT QUEUE CONCURRENCY COUNT…`
import { Worker } from "bullmq";

const [port, queue, concurrency, ...counts] = process.argv.slice(2);
const wanted = counts.map(Number);
let done = 0;
const worker = new Worker(queue, async () => null, {
  connection: { host: "127.0.0.1", port: Number(port) },
  concurrency: Number(concurrency),
});
worker.on("completed", () => {
  done += 1;
  if (done === wanted[0]) {
    console.log(JSON.stringify({ done, at_ms: Date.now() }));
    wanted.shift();
  }
});
worker.on("failed", (_, error) => {
  console.error(error);
  process.exit(1);
});
process.on("SIGTERM", async () => {
  await worker.close();
  process.exit(0);
});
await worker.waitUntilReady();
console.log(JSON.stringify({ ready: true }));
