import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { cliPages } from './cli-pages.js';

// Writes all pages of docs/cli, and deletes pages of commands that do not exist any more.
const folder = new URL('../docs/cli/', import.meta.url);
const pages = await cliPages();
mkdirSync(folder, { recursive: true });
for (const file of readdirSync(folder)) if (!pages.has(file)) rmSync(new URL(file, folder));
for (const [file, text] of pages) writeFileSync(new URL(file, folder), text);
process.stdout.write(`${pages.size} pages in docs/cli\n`);
