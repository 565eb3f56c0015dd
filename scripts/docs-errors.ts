import { writeFileSync } from 'node:fs';
import { errorsPage } from './errors-page.js';

// Writes docs/errors.md: all errors, from their docstrings.
writeFileSync(new URL('../docs/errors.md', import.meta.url), errorsPage());
process.stdout.write('docs/errors.md\n');
