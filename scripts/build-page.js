// Bundles the page of the dashboard: src/dashboard/page -> dist/dashboard/assets. Users install neither Vite nor Preact.
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

await build({
  configFile: false,
  root: at('src/dashboard/page'),
  base: './',
  logLevel: 'warn',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: at('dist/dashboard/assets'),
    emptyOutDir: true,
    assetsDir: '',
    assetsInlineLimit: 0, // the Content-Security-Policy allows files only
    modulePreload: { polyfill: false },
    target: 'es2022',
  },
});
