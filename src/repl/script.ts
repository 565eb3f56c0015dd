import {
  parse,
  type AnyNode,
  type ExportDefaultDeclaration,
  type ImportDeclaration,
  type ModuleDeclaration,
  type Pattern,
  type Program,
  type Statement,
} from 'acorn';

/** Global name of the function that imports for the lines at the prompt. */
export const importerName = '__hotqueueImport';

/** The input is correct so far, but not complete. */
export class IncompleteError extends SyntaxError {}

/**
 * Converts a line of JavaScript to a script that evaluates to a promise of the line's value.
 *
 * A script has no top-level `await` or `import`, and it cannot declare the same `class` or `const` twice, but at a prompt people
 * often declare a name again. So the line becomes an async function, and its declarations become variables of the script.
 *
 * @throws IncompleteError if the input continues on the next line; SyntaxError
 */
export function asScript(source: string): string {
  const { body } = parseLine(source);
  const names = new Set<string>();
  const functions: string[] = [];
  const steps = body.map((node, index) =>
    stepOf(node, { code: source, names, functions, isLast: index === body.length - 1 }),
  );
  const declared = names.size === 0 ? '' : `var ${[...names].join(', ')};\n`;
  return `${declared}${functions.map((text) => `${text};\n`).join('')}(async () => {\n${steps.join('\n')}\n})()`;
}

/** Matches what the compiler writes after a decorated class. The value of such a statement is not printed. */
const ofDecorators = /^(?:[\w$]+ = )?babelHelpers\.decorate\(/;

interface Line {
  readonly code: string;
  /** Collects the names that the line declares. */
  readonly names: Set<string>;
  readonly functions: string[];
  readonly isLast: boolean;
}

function parseLine(code: string): Program {
  try {
    return parse(code, { ecmaVersion: 'latest', sourceType: 'module', allowAwaitOutsideFunction: true });
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const sentence = error.message.replace(/ \(\d+:\d+\)$/, '');
    const { pos = 0 } = error as { pos?: number };
    const goesOn = pos >= code.trimEnd().length || /^Unterminated (template|comment)/.test(sentence);
    throw goesOn && !/^Unterminated string/.test(sentence) ? new IncompleteError(sentence) : new SyntaxError(sentence);
  }
}

function stepOf(node: Statement | ModuleDeclaration, line: Line): string {
  const text = (part: AnyNode): string => line.code.slice(part.start, part.end);
  switch (node.type) {
    case 'ImportDeclaration':
      return importing(node, line);
    case 'VariableDeclaration':
      return node.declarations
        .map(({ id, init }) => {
          for (const name of namesIn(id)) line.names.add(name);
          if (init) return `(${text(id)} = ${text(init)});`;
          return node.kind === 'var' ? '' : `${text(id)} = void 0;`;
        })
        .join(' ');
    case 'ClassDeclaration':
      line.names.add(node.id.name);
      return `${node.id.name} = ${text(node)};`;
    case 'FunctionDeclaration':
      line.functions.push(text(node));
      return '';
    // Exports appear when code is pasted from a file.
    case 'ExportNamedDeclaration':
      return node.declaration ? stepOf(node.declaration, line) : '';
    case 'ExportDefaultDeclaration':
      return exported(node.declaration, line, text);
    case 'ExpressionStatement':
      return line.isLast && !ofDecorators.test(text(node)) ? `return (${text(node.expression)});` : text(node);
    default:
      return text(node);
  }
}

function exported(node: ExportDefaultDeclaration['declaration'], line: Line, text: (part: AnyNode) => string): string {
  const isNamed = (node.type === 'ClassDeclaration' || node.type === 'FunctionDeclaration') && node.id;
  return isNamed ? stepOf(node, line) : `(${text(node)});`;
}

function importing({ specifiers, source }: ImportDeclaration, { names }: Line): string {
  const module = `await ${importerName}(${JSON.stringify(source.value)})`;
  if (specifiers.length === 0) return `${module};`;
  for (const { local } of specifiers) names.add(local.name);
  const whole = specifiers.find(({ type }) => type === 'ImportNamespaceSpecifier');
  const parts = specifiers.flatMap((specifier) => {
    if (specifier.type === 'ImportNamespaceSpecifier') return [];
    const { local } = specifier;
    if (specifier.type === 'ImportDefaultSpecifier') return [`default: ${local.name}`];
    const { imported } = specifier;
    return [`${imported.type === 'Identifier' ? imported.name : JSON.stringify(imported.value)}: ${local.name}`];
  });
  const given = whole ? `${whole.local.name} = ${module}` : module;
  return parts.length === 0 ? `${given};` : `({ ${parts.join(', ')} } = ${given});`;
}

/** Names of the variables that a pattern declares. */
function namesIn(pattern: Pattern): string[] {
  switch (pattern.type) {
    case 'Identifier':
      return [pattern.name];
    case 'ObjectPattern':
      return pattern.properties.flatMap((property) =>
        namesIn(property.type === 'RestElement' ? property.argument : property.value),
      );
    case 'ArrayPattern':
      return pattern.elements.flatMap((element) => (element ? namesIn(element) : []));
    case 'RestElement':
      return namesIn(pattern.argument);
    case 'AssignmentPattern':
      return namesIn(pattern.left);
    default:
      return [];
  }
}
