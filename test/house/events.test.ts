import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, it } from 'vitest';

const root = new URL('../../', import.meta.url);

/** The events of `QueueEvents`, with the names of their fields. */
function declaredEvents(): Record<string, string[]> {
  const file = fileURLToPath(new URL('src/core/events.ts', root));
  const program = ts.createProgram([file], { strict: true, types: ['node'], module: ts.ModuleKind.NodeNext });
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(file)!;
  const events = source.statements.find(
    (one): one is ts.InterfaceDeclaration => ts.isInterfaceDeclaration(one) && one.name.text === 'QueueEvents',
  )!;
  return Object.fromEntries(
    checker
      .getTypeAtLocation(events)
      .getProperties()
      .map((event) => {
        const [fields] = checker.getTypeArguments(checker.getTypeOfSymbol(event) as ts.TypeReference);
        return [
          event.name,
          fields!
            .getProperties()
            .map(({ name }) => name)
            .sort(),
        ];
      }),
  );
}

/** The events in the table of docs/monitoring.md, with the names of their fields. */
function documentedEvents(): Record<string, string[]> {
  const page = readFileSync(new URL('docs/monitoring.md', root), 'utf8');
  const table = page.slice(page.indexOf('<!-- events:')).split('\n\n')[1]!;
  const rows = table.split('\n').slice(2);
  return Object.fromEntries(
    rows.map((row) => {
      const [event, fields] = row
        .split('|')
        .slice(1)
        .map((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name!));
      return [event![0]!, fields!.sort()];
    }),
  );
}

it('docs/monitoring.md lists all events with all their fields', () => {
  expect(documentedEvents()).toEqual(declaredEvents());
  expect(Object.keys(declaredEvents())).toContain('recover');
});
