import { ESLint } from 'eslint';
import { expect, it } from 'vitest';

it('the rules of .eslintrc.json are applied: a floating promise is an error', async () => {
  const eslint = new ESLint({ cwd: new URL('../..', import.meta.url).pathname });
  const [result] = await eslint.lintText('async function later(): Promise<void> {}\nlater();\nexport {};\n', {
    filePath: 'src/index.ts',
  });
  expect(result!.messages.map(({ ruleId }) => ruleId)).toContain('@typescript-eslint/no-floating-promises');
});
