import { readFileSync } from 'node:fs';
import { built } from './build-cache.ts';
import { command } from './command.ts';

/** The folder of all jars that this Maven project depends on, from Maven Central. */
export function jars(name: string, pom: URL): Promise<string> {
  return built(name, [readFileSync(pom, 'utf8')], async (folder) => {
    const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${folder}`];
    await command(['mvn', '-q', '-B', '-Dstyle.color=never', '-f', pom.pathname, ...goal]);
  });
}
