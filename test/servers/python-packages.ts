import { built } from './build-cache.ts';
import { command } from './command.ts';

/**
 * The folder of these packages from PyPI, for `PYTHONPATH`: of strangers' clients that tests run.
 * @param requirements as pip takes them, pinned: `['nats-py==2.11.0']`.
 */
export function pythonPackages(requirements: readonly string[]): Promise<string> {
  return built('python', requirements, async (folder) => {
    await command(['pip3', 'install', '--quiet', '--disable-pip-version-check', '--target', folder, ...requirements]);
  });
}
