import path from 'node:path';
import { copiesIn, copySeenFrom, type Copy } from './copies.js';
import { ok, problem, warning, type Finding } from './finding.js';
import { tsSettings } from './tsconfig.js';

/** What decides, in the project of `dir`, whether decorators are seen. */
export function judgeDecorators(dir: string, ours: string = import.meta.filename): Finding[] {
  return [
    ...['class-validator', 'class-transformer', 'reflect-metadata'].map((name) => judgeCopies(name, dir, ours)),
    judgeTsconfig(dir),
    judgeRunner(dir),
  ].filter((finding) => finding !== undefined);
}

const dedupe = (name: string): string => `see "npm ls ${name}", then "npm dedupe", or one version for all under "overrides" in package.json`;

function judgeCopies(name: string, dir: string, ours: string): Finding {
  const seen = copySeenFrom(path.join(dir, 'any.js'), name);
  const used = copySeenFrom(ours, name);
  const all = copiesIn(dir, name);
  if (!seen) return warning(name, 'not installed here', `npm install ${name}, where payload classes are declared`);
  const more = all.filter((copy) => copy.dir !== seen.dir);
  if (used && used.dir !== seen.dir) {
    const says = `your files import ${title(seen)}, hotqueue another: ${title(used)}`;
    // class-validator and reflect-metadata keep their notes in one place for all copies; class-transformer does not.
    return name === 'class-transformer' ? problem(name, `${says}; what @Type and @Transform say is not seen`, dedupe(name)) : warning(name, says, dedupe(name));
  }
  if (more.length > 0) return warning(name, `${seen.version}, and ${more.length} more: ${more.map(title).join(', ')}`, dedupe(name));
  return ok(name, `${seen.version}, one copy`);
}

const title = ({ dir, version }: Copy): string => `${version} in ${dir}`;

function judgeTsconfig(dir: string): Finding {
  const check = 'tsconfig';
  try {
    const settings = tsSettings(dir);
    if (!settings) return ok(check, 'none: plain JavaScript declares payloads with rules()');
    const { file, experimentalDecorators = false, emitDecoratorMetadata = false } = settings;
    if (!experimentalDecorators) return warning(check, `${file}: standard decorators, which class-validator's are not`, 'set "experimentalDecorators": true, or declare payloads with rules() or a schema');
    if (!emitDecoratorMetadata) return warning(check, `${file}: without "emitDecoratorMetadata" a worker cannot see the class of its payload`, 'set it to true, or name the class: new HotQueue(name, { payload: … })');
    return ok(check, `${file}: experimentalDecorators and emitDecoratorMetadata`);
  } catch (error) {
    return problem(check, `it cannot be read: ${error instanceof Error ? error.message : String(error)}`, 'mend the file: without it no compiler knows about decorators');
  }
}

function judgeRunner(dir: string): Finding | undefined {
  const runner = copySeenFrom(path.join(dir, 'any.js'), '@oxc-node/core');
  if (runner) return ok('runner', `@oxc-node/core ${runner.version} runs decorated TypeScript: node --import @oxc-node/core/register`);
  if (tsSettingsExist(dir)) return warning('runner', '@oxc-node/core is not installed: nothing here runs decorated TypeScript as it stands', 'npm install --save-dev @oxc-node/core, or compile with tsc; tsx and Node itself emit no metadata');
  return undefined;
}

function tsSettingsExist(dir: string): boolean {
  try {
    return tsSettings(dir) !== undefined;
  } catch {
    return true;
  }
}
