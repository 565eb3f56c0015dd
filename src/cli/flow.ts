import { Command } from 'commander';
import { addressOf, missing, redisCommand, withExamples, type RedisFlags } from './command.js';
import { jsonLine, print, printableLines } from './output.js';

/** `flow show`: jobs that wait for each other. */
export function flowCommand(): Command {
  const flow = withExamples(new Command('flow').description('Show jobs that wait for each other: chains and groups.'), [
    ['flow show reports 0199f2…', 'all jobs before and behind this one'],
  ]);
  flow.addCommand(showCommand());
  return flow;
}

type ShowFlags = RedisFlags & { readonly mermaid?: boolean };

function showCommand(): Command {
  return redisCommand(
    'show',
    'Show the jobs that a job waits for, those that wait for it, and so on, with their statuses. Exits with 3 if there is no record of it.',
    [
      ['flow show reports 0199f2…', 'a line for each job'],
      ['flow show reports 0199f2… --mermaid > flow.mmd', 'a graph'],
    ],
  )
    .argument('<queue>')
    .argument('<id>')
    .option('--mermaid', 'print a graph in the language of Mermaid')
    .action(async (queue: string, id: string, flags: ShowFlags) => {
      const { flowAsMermaid, flowAsText, readFlow } = await import('../inspect/flow.js');
      const nodes = await readFlow(queue, id, addressOf(flags));
      if (nodes.length === 0) return missing(`queue "${queue}" has no record of job ${JSON.stringify(id)}`);
      if (flags.json) return nodes.forEach((node) => print(jsonLine({ ...node, status: node.status ?? 'gone' })));
      print(printableLines(flags.mermaid ? flowAsMermaid(nodes) : flowAsText(nodes)));
    });
}
