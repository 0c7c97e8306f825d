import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { assign, createMachine, fromPromise, setup } from 'xstate';
import { user } from '../../machines/user.machine.ts';
import { mermaid } from '../../src/diagrams/mermaid.ts';
import { machinesReadme, readmePath } from './machines-readme.ts';

describe('a diagram', () => {
  it('of every machine stands in machines/README.md as the machines are now', async () => {
    expect(readFileSync(readmePath, 'utf8')).toBe(await machinesReadme());
  });

  it('of an aggregate labels each move with the commands that cause it, and leaves refusals out', () => {
    const text = mermaid(user.machine);
    expect(text).toContain('absent --> active : CreateUser / UserCreated');
    expect(text).toContain('active_unverified --> active_verified : VerifyEmail / EmailVerified');
    expect(text).not.toContain('ALREADY');
    expect(mermaid(user.machine, { refusals: true })).toContain('VerifyEmail ✗ EMAIL_ALREADY_VERIFIED');
  });

  it('puts regions side by side and children inside their parents', () => {
    const machine = createMachine({
      id: 'player',
      type: 'parallel',
      states: {
        sound: { initial: 'on', states: { on: { on: { MUTE: 'off' } }, off: { on: { UNMUTE: 'on' } } } },
        'play state': { initial: 'idle', states: { idle: { on: { 'a:b;c': 'idle' } }, ended: { type: 'final' } } },
      },
    });
    expect(mermaid(machine).split('\n')).toEqual([
      'stateDiagram-v2',
      '  state "player" as player {',
      '    state "sound" as sound {',
      '      [*] --> sound_on',
      '      state "on" as sound_on',
      '      state "off" as sound_off',
      '    }',
      '    --',
      '    state "play state" as play_state {',
      '      [*] --> play_state_idle',
      '      state "idle" as play_state_idle',
      '      state "ended" as play_state_ended',
      '      play_state_ended --> [*]',
      '    }',
      '  }',
      '  sound_on --> sound_off : MUTE',
      '  sound_off --> sound_on : UNMUTE',
      '  play_state_idle --> play_state_idle : a#58;b#59;c',
      '',
    ]);
  });

  it('names guards, delays, invocations and what happens at once', () => {
    const machine = setup({
      types: {} as { context: { tries: number } },
      actors: { load: fromPromise(async () => {}) },
      guards: { isTired: ({ context }) => context.tries > 3 },
      delays: { backoff: 1_000 },
    }).createMachine({
      id: 'loader',
      context: { tries: 0 },
      initial: 'loading',
      on: { cancel: '.failed' },
      states: {
        loading: {
          invoke: { src: 'load', onDone: 'loaded', onError: { target: 'judging', actions: assign({ tries: 1 }) } },
        },
        judging: { always: [{ guard: 'isTired', target: 'failed' }, { target: 'waiting' }] },
        waiting: { after: { backoff: 'loading', 5000: 'failed' } },
        loaded: {},
        failed: {},
      },
    });
    const text = mermaid(machine);
    expect(text).toContain('state "any state" as loader');
    expect(text).toContain('loader --> failed : cancel');
    expect(text).toContain('loading --> loaded : load done');
    expect(text).toContain('loading --> judging : load failed');
    expect(text).toContain('judging --> failed : [isTired]');
    expect(text).toContain('judging --> waiting : otherwise');
    expect(text).toContain('waiting --> loading : after backoff');
    expect(text).toContain('waiting --> failed : after 5000 ms');
  });

  it('gives each state an id of its own that Mermaid takes for one, and labels that are no HTML', () => {
    const machine = createMachine({
      id: 'a',
      initial: 'default',
      states: {
        default: { on: { '<b>': 'Note' } },
        Note: { on: { back: 'a_b' } },
        a_b: {},
        'a-b': { initial: 'c', states: { c: {} } },
        'a-b_c': {},
        'say "hi"': {},
      },
    });
    expect(mermaid(machine).split('\n')).toEqual([
      'stateDiagram-v2',
      '  [*] --> default_',
      '  state "default" as default_',
      '  state "Note" as Note_',
      '  state "a_b" as a_b',
      '  state "a-b" as a_b_ {',
      '    [*] --> a_b_c',
      '    state "c" as a_b_c',
      '  }',
      '  state "a-b_c" as a_b_c_',
      `  state "say 'hi'" as say__hi_`,
      '  default_ --> Note_ : #60;b#62;',
      '  Note_ --> a_b : back',
      '',
    ]);
  });
});
