import ts from 'typescript';

/** Runs `made()` of a script, after TypeScript has compiled it to an old target. @returns the generator */
export function compiledTo(target: 'es5' | 'es2017', source: string): unknown {
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: {
      target: target === 'es5' ? ts.ScriptTarget.ES5 : ts.ScriptTarget.ES2017,
      module: ts.ModuleKind.None,
    },
  });
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the compiled text is the subject of the test
  return (new Function(`${outputText}; return made();`) as () => unknown)();
}
