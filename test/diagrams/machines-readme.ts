import { globSync, writeFileSync } from 'node:fs';
import type { AnyStateMachine } from 'xstate';
import { mermaid } from '../../src/diagrams/mermaid.ts';

const folder = new URL('../../machines/', import.meta.url);

export const readmePath = new URL('README.md', folder).pathname;

/** `machines/README.md` as the machines are now: a diagram of each. */
export async function machinesReadme(): Promise<string> {
  const files = globSync('*.machine.ts', { cwd: folder.pathname }).sort();
  return [intro, ...(await Promise.all(files.map(sectionOf)))].join('\n');
}

async function sectionOf(file: string): Promise<string> {
  const exported = Object.values(await import(new URL(file, folder).href)) as readonly unknown[];
  const machine = exported.map(machineIn).find((found) => found !== undefined);
  if (machine === undefined) throw new Error(`${file} exports no machine.`);
  return `## ${machine.id}\n\n[\`${file}\`](${file})\n\n\`\`\`mermaid\n${mermaid(machine)}\`\`\`\n`;
}

/** A machine, or an aggregate's definition that has one. */
function machineIn(value: unknown): AnyStateMachine | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if ('root' in value) return value as AnyStateMachine;
  return 'machine' in value ? (value.machine as AnyStateMachine) : undefined;
}

const intro = `# Machines

Every state machine of this folder, drawn from the machine itself by \`npm run diagrams\`; a test fails when a drawing is
stale. An aggregate's arrow reads *command / event*: the command emits the event, the event moves the state. Refusals are
not drawn; \`GET /machines/:name\` lists them. The runtime's own machines drive what they show.
`;

if (import.meta.main) writeFileSync(readmePath, await machinesReadme());
