import ts from 'typescript';

const compilerOptions: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
  useDefineForClassFields: false,
  inlineSourceMap: true,
};

/** Compiles one file to JavaScript, without type checks, for processes that the tests start many times. */
export const transpile = (text: string, fileName: string): string =>
  ts.transpileModule(text, { compilerOptions, fileName }).outputText;
