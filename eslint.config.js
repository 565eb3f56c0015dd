// ESLint 10 reads only this file; every rule lives in .eslintrc.json.
import { readFileSync } from 'node:fs';
import js from '@eslint/js';
import { FlatCompat } from '@eslint/eslintrc';

const rules = JSON.parse(readFileSync(new URL('.eslintrc.json', import.meta.url), 'utf8'));
const bridge = new FlatCompat({
  baseDirectory: import.meta.dirname,
  recommendedConfig: js.configs.recommended,
  allConfig: js.configs.all,
});

export default bridge.config(rules);
