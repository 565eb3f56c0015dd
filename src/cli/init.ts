import { Command } from 'commander';
import { withExamples } from './command.js';

/** `hotqueue init`: writes a first project. */
export function initCommand(): Command {
  return withExamples(
    new Command('init').description(
      'Write a first project into a folder: a queue with a payload class, a worker, a script that puts, and a tsconfig.json. Keeps files that exist.',
    ),
    [
      ['init', 'in the current folder'],
      ['init emails', 'in the folder "emails"'],
    ],
  )
    .argument('[folder]', 'the folder, which is created if it does not exist', '.')
    .action(async (folder: string) => {
      const { writeProject } = await import('./write-project.js');
      writeProject(folder);
    });
}
