// Reads every file of a folder with the parser of Mermaid, and says which it refuses.
import fs from 'node:fs';
import path from 'node:path';
import DOMPurify from 'dompurify';
import mermaid from 'mermaid';

// Texts are cleaned for browsers while they are read. There is none here, and reading is all that is asked for.
DOMPurify.addHook ??= () => {};
DOMPurify.sanitize ??= (text) => text;
mermaid.initialize({ startOnLoad: false });

const folder = process.argv[2];
let [read, refused] = [0, 0];
for (const name of fs.readdirSync(folder).sort()) {
  try {
    await mermaid.parse(fs.readFileSync(path.join(folder, name), 'utf8'));
    read += 1;
  } catch (error) {
    refused += 1;
    console.log(`${name}: ${error}`);
  }
}
console.log(`${read} read, ${refused} refused`);
process.exit(refused === 0 ? 0 : 1);
