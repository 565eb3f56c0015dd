import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { print, say } from './output.js';

/** The files are an example of the package, so that they are compiled and tested like all others. */
const source = path.resolve(import.meta.dirname, '../../examples/init');
const files = ['tsconfig.json', 'queues.ts', 'worker.ts', 'put.ts'];
const runner = '@oxc-node/core';

interface Manifest {
  readonly type?: string;
  readonly [field: string]: unknown;
}

/** Writes the files that are missing, and prints what to do next. */
export function writeProject(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const file of files) {
    const target = path.join(folder, file);
    if (existsSync(target)) say(`kept ${target}: it exists${file === 'tsconfig.json' ? decoratorsIn(target) : ''}`);
    else {
      copyFileSync(path.join(source, file), target);
      print(`wrote ${target}`);
    }
  }
  declareModules(path.join(folder, 'package.json'));
  print(['', 'Next:', ...nextSteps(folder).map((line) => `  ${line}`)].join('\n'));
}

/** Comments are allowed in the file, so it is searched as text. */
const decoratorsIn = (file: string): string =>
  /"experimentalDecorators"\s*:\s*true/.test(readFileSync(file, 'utf8'))
    ? ''
    : '. Set "experimentalDecorators": true in it, which @worker and the rules of payload classes need';

/** The files use `await` at the top level, which only ES modules have. */
function declareModules(file: string): void {
  const manifest = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Manifest) : { private: true };
  if (manifest.type === undefined) {
    writeFileSync(file, `${JSON.stringify({ ...manifest, type: 'module' }, undefined, 2)}\n`);
    print(`set "type": "module" in ${file}`);
  } else if (manifest.type !== 'module')
    say(
      `kept ${file}: it has "type": "${manifest.type}". Set "type": "module" in it, which "await" at the top level needs`,
    );
}

function nextSteps(folder: string): string[] {
  const { resolve } = createRequire(path.resolve(folder, 'package.json'));
  const missing = ['hotqueue', 'class-validator', runner].filter((name) => !isInstalled(name, resolve));
  const needed = missing.filter((name) => name !== runner);
  return [
    ...(path.resolve(folder) === process.cwd() ? [] : [`cd ${folder}`]),
    ...(needed.length > 0 ? [`npm install ${needed.join(' ')}`] : []),
    ...(missing.includes(runner) ? [`npm install --save-dev ${runner}`] : []),
    'npx hotqueue worker worker.ts',
    `node --import ${runner}/register put.ts   # in another terminal`,
  ];
}

function isInstalled(name: string, resolve: NodeJS.RequireResolve): boolean {
  try {
    resolve(`${name}/package.json`);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ERR_PACKAGE_PATH_NOT_EXPORTED';
  }
}
