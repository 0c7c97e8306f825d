import { failure } from '../../../kernel/errors.ts';
import type { Checkpoint } from '../../../ports/coordination.ts';
import type { ReadModelShape, ReadModelStatus } from '../../../ports/read-model.ts';
import type { GenerationState, LeaseState, ModelState } from './lease-states.ts';

/** Pure changes of what a lease keeps of a read model; each gives the next state. */
export interface Opened {
  readonly state: LeaseState;
  readonly number: number;
}

export function modelIn(state: LeaseState, name: string): ModelState | undefined {
  return state.models.find((model) => model.name === name);
}

/** The live one or the one being built when it has this hash, else a new one. */
export function opened(state: LeaseState, shape: ReadModelShape): Opened {
  const model = modelIn(state, shape.name);
  const known = [model?.live, model?.building].find((one) => one?.hash === shape.hash);
  return known ? { state, number: known.number } : begun(state, shape);
}

/** A new one; live at once when there was none. */
export function begun(state: LeaseState, { name, hash }: ReadModelShape): Opened {
  const model = modelIn(state, name);
  const number = (model?.lastNumber ?? 0) + 1;
  const fresh: GenerationState = { number, hash, checkpoint: { position: 0 }, totals: [] };
  const next: ModelState = model
    ? { ...model, lastNumber: number, building: fresh }
    : { name, lastNumber: number, live: fresh };
  return { state: withModel(state, next), number };
}

/** @throws NOT_FOUND when it neither is live nor being built */
export function swapped(state: LeaseState, name: string, number: number): LeaseState {
  const model = modelIn(state, name);
  if (model?.building?.number === number) return withModel(state, { ...only(model), live: model.building });
  if (model?.live.number === number) return model.building ? withModel(state, only(model)) : state;
  throw noGeneration(number);
}

/** @throws NOT_FOUND when it was dropped */
export function generationIn(state: LeaseState, name: string, number: number): GenerationState {
  const model = modelIn(state, name);
  const found = [model?.live, model?.building].find((one) => one?.number === number);
  if (!found) throw noGeneration(number);
  return found;
}

/** The generation where its commit leaves it. */
export function committed(
  state: LeaseState,
  name: string,
  generation: GenerationState,
  checkpoint: Checkpoint,
  changes: ReadonlyMap<string, number>,
): LeaseState {
  const model = modelIn(state, name);
  if (!model) throw noGeneration(generation.number);
  const totals = new Map(generation.totals);
  for (const [total, amount] of changes) totals.set(total, (totals.get(total) ?? 0) + amount);
  const next = { ...generation, checkpoint, totals: [...totals] };
  return withModel(
    state,
    model.live.number === generation.number ? { ...model, live: next } : { ...model, building: next },
  );
}

export function statusOf({ live, building }: ModelState): ReadModelStatus {
  return { live: told(live), ...(building && { building: told(building) }) };
}

const told = ({ number, hash, checkpoint }: GenerationState) => ({ generation: number, hash, checkpoint });

function only({ building: _, ...model }: ModelState): ModelState {
  return model;
}

function withModel(state: LeaseState, model: ModelState): LeaseState {
  return { ...state, models: [...state.models.filter(({ name }) => name !== model.name), model] };
}

function noGeneration(number: number) {
  return failure('NOT_FOUND', { expected: `generation ${number} of the read model`, found: 'that it was dropped' });
}
