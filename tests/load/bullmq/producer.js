// Submits jobs, each acknowledged, so many at a time: `producer.js PORT QUEUE CONCURRENCY`. For each line that it reads, a number, it
// submits as many, and says when it began and when the last was acknowledged.
import { createInterface } from "node:readline";
import { Queue } from "bullmq";

const [port, name, concurrency] = process.argv.slice(2);
const queue = new Queue(name, { connection: { host: "127.0.0.1", port: Number(port) } });
await queue.waitUntilReady();
console.log(JSON.stringify({ ready: true }));
for await (const line of createInterface({ input: process.stdin })) {
  let left = Number(line);
  const began_ms = Date.now();
  const submit = async () => {
    while (left > 0) {
      left -= 1;
      await queue.add("noop", { number: left });
    }
  };
  await Promise.all(Array.from({ length: Number(concurrency) }, submit));
  console.log(JSON.stringify({ began_ms, acknowledged_ms: Date.now() }));
}
await queue.close();
