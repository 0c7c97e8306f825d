import { join } from 'node:path';
import { dataFolder } from './data-folder.ts';
import { freePort } from './free-port.ts';
import { jars } from './jars.ts';
import { mongodbAnswers } from './mongodb-answers.ts';
import { type Server, startServer } from './server.ts';

const sources = new URL('mongo-java/', import.meta.url);

/** mongo-java-server: MongoDB's protocol over H2, with strict indexes and atomic updates. Writes to disk only every second. */
export async function startMongoJava(): Promise<Server> {
  const classes = join(await jars('mongo-java', new URL('pom.xml', sources)), '*');
  const port = await freePort();
  const folder = dataFolder('mongo-java');
  const url = `mongodb://127.0.0.1:${port}/?directConnection=true`;
  const main = new URL('Main.java', sources).pathname;
  return startServer({
    name: 'mongo-java',
    url,
    port,
    folder,
    command: ['java', '-Xmx384m', '-XX:+UseSerialGC', '-cp', classes, main, String(port), join(folder.path, 'data')],
    answers: () => mongodbAnswers(url),
  });
}
