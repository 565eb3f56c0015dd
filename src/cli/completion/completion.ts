import { Argument, Command } from 'commander';
import { withExamples } from '../command.js';
import { bashCompletion } from './bash.js';
import { outlinesOf } from './outline.js';
import { zshCompletion } from './zsh.js';

/** `completion bash|zsh`: prints a script that is generated from the definition of this program. */
export function completionCommand(): Command {
  return withExamples(
    new Command('completion').description(
      'Print a script that completes commands, options and queue names in your shell.',
    ),
    [
      ['completion bash', 'in ~/.bashrc:  source <(hotqueue completion bash)'],
      ['completion zsh', 'in ~/.zshrc:   source <(hotqueue completion zsh)'],
    ],
  )
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh']))
    .action((shell: 'bash' | 'zsh', _flags: object, self: Command) => {
      const outlines = outlinesOf(self.parent!);
      process.stdout.write(shell === 'bash' ? bashCompletion(outlines) : zshCompletion(outlines));
    });
}
