import { runStranger } from './run-stranger.ts';

runStranger({ bus: 'kafka', program: 'kcat' });
