import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = new URL('../..', import.meta.url).pathname;

/** Each room and the rooms that it may import from, beside itself. No other arrow may exist, type imports too. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  kernel: [],
  machines: ['kernel'],
  ports: ['kernel'],
  runtime: ['kernel', 'ports', 'machines'],
  adapters: ['kernel', 'ports'],
  diagrams: ['kernel', 'ports', 'machines'],
  http: ['kernel', 'ports', 'machines', 'runtime', 'adapters', 'diagrams'],
  testing: ['kernel', 'ports', 'machines', 'runtime', 'adapters', 'diagrams'],
  index: ['kernel', 'ports', 'machines', 'runtime', 'adapters', 'diagrams', 'http', 'testing'],
  app: ['machines', 'statewright'],
  config: ['kernel', 'adapters', 'statewright'],
  cli: [
    'kernel',
    'ports',
    'machines',
    'runtime',
    'adapters',
    'diagrams',
    'http',
    'index',
    'app',
    'config',
    'statewright',
  ],
};

/** What may be used of XState's interpreter, and where. */
const interpreter =
  /\b(createActor|transition|initialTransition|getNextSnapshot|getInitialSnapshot|waitFor|toPromise)\b/;

const files = globSync('{src,machines}/**/*.ts', { cwd: root }).sort();

describe('the house', () => {
  it('has no arrow that is not drawn', () => {
    const strays = files.flatMap((file) =>
      importsOf(file).flatMap((target) => {
        const from = roomOf(file);
        const to = roomOf(target);
        return from === to || arrows[from]?.includes(to) ? [] : [`${file} → ${target}`];
      }),
    );
    expect(strays).toEqual([]);
  });

  it('lets only the adapter registry choose adapters, by dynamic import', () => {
    const siblings = files.flatMap((file) => {
      const [, , kind, name] = file.split('/');
      if (!file.startsWith('src/adapters/') || kind === 'registry.ts' || name === undefined) return [];
      return importsOf(file)
        .filter((target) => target.startsWith('src/adapters/') && !target.startsWith(`src/adapters/${kind}/`))
        .map((target) => `${file} → ${target}`);
    });
    expect(siblings).toEqual([]);
  });

  it('keeps the interpreter of XState in kernel/statechart', () => {
    const users = files.filter((file) => {
      const clauses = readFileSync(join(root, file), 'utf8').matchAll(/import\s+([^;]*?)\s+from\s+'xstate'/g);
      return file !== 'src/kernel/statechart.ts' && [...clauses].some(([, clause = '']) => interpreter.test(clause));
    });
    expect(users).toEqual([]);
  });

  it('reads process.env in config alone', () => {
    const readers = files.filter((file) => readFileSync(join(root, file), 'utf8').includes('process.env'));
    expect(readers).toEqual(['src/config.ts']);
  });

  it('has no barrel but its two faces, no room for leftovers, and no long file', () => {
    const barrels = files.filter((file) => /(^|\/)index\.ts$/.test(file));
    expect(barrels).toEqual(['src/index.ts', 'src/testing/index.ts']);
    expect(files.filter((file) => /(^|\/)(utils?|helpers?|common|misc|types)(\/|\.ts$)/.test(file))).toEqual([]);
    const lengths = files.map((file) => readFileSync(join(root, file), 'utf8').split('\n').length);
    expect(files.filter((_, index) => (lengths[index] ?? 0) > 350)).toEqual([]);
    expect(lengths.sort((a, b) => a - b)[Math.floor(lengths.length / 2)]).toBeLessThan(120);
  });
});

function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  const specifiers = [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, specifier = '']) => specifier);
  return specifiers
    .filter((specifier) => specifier.startsWith('.') || specifier.startsWith('statewright'))
    .map((specifier) => (specifier.startsWith('.') ? relative(root, join(root, dirname(file), specifier)) : specifier));
}

function roomOf(path: string): string {
  if (path.startsWith('statewright')) return 'statewright';
  const [top = '', room = ''] = path.split('/');
  return top === 'machines' ? 'machines' : room.replace(/\.ts$/, '');
}
