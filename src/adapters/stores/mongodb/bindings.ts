import type { Keyed } from './connection.ts';
import type { Documents } from './documents.ts';

/** Says under which lease a checkpoint or a read model is kept; written once, before anything is kept there. */
export interface BindingDocument extends Keyed {
  readonly lease: string;
}

/** Where to look for what has a name: in the states of these leases. Nearly always one. */
export interface Bindings {
  leasesOf(name: string): Promise<readonly string[]>;
  bind(name: string, lease: string): Promise<void>;
  /** Every name that is bound. */
  names(): AsyncIterable<string>;
}

const separator = '|';

const sliceMax = 500;

export function createBindings(documents: Documents<BindingDocument>, kind: 'checkpoint' | 'model'): Bindings {
  const known = new Map<string, string[]>();
  const idOf = (name: string, number: number) =>
    `${kind}${JSON.stringify(name)}${separator}${String(number).padStart(4, '0')}`;

  const leasesOf = async (name: string): Promise<readonly string[]> => {
    const leases = known.get(name) ?? [];
    for (;;) {
      const number = leases.length + 1;
      const doc = await documents.get(idOf(name, number));
      if (doc === undefined) break;
      if (leases.length + 1 === number) leases.push(doc.lease);
    }
    known.set(name, leases);
    return leases;
  };

  return {
    leasesOf,

    async bind(name, lease) {
      if (known.get(name)?.includes(lease)) return;
      while (!(await leasesOf(name)).includes(lease)) {
        await documents.insert({ _id: idOf(name, (known.get(name)?.length ?? 0) + 1), lease });
      }
    },

    async *names() {
      let after: string = kind;
      for (;;) {
        const range = { _id: { $gt: after, $lt: `${kind}${String.fromCharCode('"'.charCodeAt(0) + 1)}` } };
        const docs = await documents.find(range, { sort: { _id: 1 }, limit: sliceMax });
        for (const { _id } of docs) {
          const end = _id.lastIndexOf(separator);
          if (_id.slice(end + 1) === '0001') yield JSON.parse(_id.slice(kind.length, end)) as string;
        }
        if (docs.length < sliceMax) return;
        after = docs.at(-1)?._id ?? after;
      }
    },
  };
}
