import { randomUUID } from 'node:crypto';
import type { Channel, ChannelModel } from 'amqplib';
import type { Clock, TimerHandle } from '../../../kernel/clock.ts';
import { declareExchanges, type Names } from './topology.ts';

/** What others know of a consumer. */
export interface Presence {
  readonly group: string;
  /** Ids sort by when the consumers began. */
  readonly id: string;
  /** It consumes these, or waits to. */
  readonly partitions: readonly number[];
  /** It takes no share any more, and is gone when it has no partitions. */
  readonly leaving: boolean;
}

/** One of this process. */
export interface LocalMember {
  presence(): Presence;
  /** Others of its group came, went or changed. */
  othersChanged(): void;
}

/**
 * Who is in which group: all tell all, over the broker, when something changes and once a second. Views may differ for a
 * moment, or while messages are late: then some queue has a consumer too many, which waits, as only one is active.
 */
export interface Roster {
  add(member: LocalMember): void;
  /** Tells the others, soon. */
  changed(member: LocalMember): void;
  remove(member: LocalMember): void;
  /** Of a group, those that take a share, in one order for all. */
  sharers(group: string): readonly string[];
  /** Of a group, whatever the others consume. */
  claims(group: string, except: string): ReadonlySet<number>;
  /** Speaks over this connection from now on. */
  speak(model: ChannelModel): Promise<void>;
  /** Listens over this one. */
  listen(model: ChannelModel): Promise<void>;
  close(): void;
}

interface News {
  readonly from: string;
  /** Groups that somebody joins, who wants to hear of the others. */
  readonly asks: readonly string[];
  readonly members: readonly Presence[];
}

const beatMs = 1_000;
/** Who was not heard of for so many beats of one's own is taken for gone. */
const maxMissed = 4;

export function createRoster(names: Names, clock: Clock): Roster {
  const self = randomUUID();
  const locals = new Map<string, LocalMember>();
  const others = new Map<string, { readonly presence: Presence; missed: number }>();
  const changed = new Set<LocalMember>();
  const asks = new Set<string>();
  let voice: Channel | undefined;
  let soon = false;
  let closed = false;
  let beating: TimerHandle = clock.setTimeout(beat, beatMs);

  function beat(): void {
    for (const member of locals.values()) changed.add(member);
    tell();
    const gone = new Set<string>();
    for (const [id, one] of others) {
      one.missed += 1;
      if (one.missed <= maxMissed) continue;
      others.delete(id);
      gone.add(one.presence.group);
    }
    wake(gone);
    beating = clock.setTimeout(beat, beatMs);
  }

  function tellSoon(): void {
    if (soon) return;
    soon = true;
    setImmediate(tell);
  }

  function tell(): void {
    soon = false;
    const news: News = { from: self, asks: [...asks], members: [...changed].map((member) => member.presence()) };
    asks.clear();
    changed.clear();
    if (closed || news.members.length === 0) return;
    try {
      voice?.publish(names.members, '', Buffer.from(JSON.stringify(news)));
    } catch {
      // The connection is about to be lost; the next beat says it again.
    }
  }

  function hear(content: Buffer): void {
    const news = newsOf(content);
    if (news === undefined || news.from === self) return;
    const concerned = new Set<string>();
    for (const presence of news.members) {
      const known = others.get(presence.id);
      const gone = presence.leaving && presence.partitions.length === 0;
      if (gone) others.delete(presence.id);
      else others.set(presence.id, { presence, missed: 0 });
      if (JSON.stringify(known?.presence) !== JSON.stringify(presence)) concerned.add(presence.group);
    }
    for (const member of locals.values()) if (news.asks.includes(member.presence().group)) changed.add(member);
    if (changed.size > 0) tellSoon();
    wake(concerned);
  }

  function wake(groups: ReadonlySet<string>, except?: LocalMember): void {
    if (groups.size === 0) return;
    for (const member of locals.values()) {
      if (member !== except && groups.has(member.presence().group)) member.othersChanged();
    }
  }

  function presencesOf(group: string): readonly Presence[] {
    const own = [...locals.values()].map((member) => member.presence());
    return [...own, ...[...others.values()].map(({ presence }) => presence)].filter((one) => one.group === group);
  }

  function change(member: LocalMember): void {
    changed.add(member);
    tellSoon();
    wake(new Set([member.presence().group]), member);
  }

  return {
    add(member) {
      const { id, group } = member.presence();
      locals.set(id, member);
      asks.add(group);
      change(member);
    },
    changed: change,
    remove(member) {
      locals.delete(member.presence().id);
      change(member);
    },
    sharers: (group) =>
      presencesOf(group)
        .filter(({ leaving }) => !leaving)
        .map(({ id }) => id)
        .sort(),
    claims: (group, except) =>
      new Set(presencesOf(group).flatMap(({ id, partitions }) => (id === except ? [] : partitions))),
    async speak(model) {
      const channel = await model.createChannel();
      channel.on('error', () => {});
      channel.on('close', () => {
        if (voice === channel) voice = undefined;
      });
      await declareExchanges(channel, names);
      voice = channel;
    },
    async listen(model) {
      const channel = await model.createChannel();
      channel.on('error', () => {});
      await declareExchanges(channel, names);
      const { queue } = await channel.assertQueue(`${names.members}.${randomUUID()}`, {
        exclusive: true,
        autoDelete: true,
      });
      await channel.bindQueue(queue, names.members, '');
      await channel.consume(queue, (message) => message !== null && hear(message.content), { noAck: true });
      for (const member of locals.values()) {
        asks.add(member.presence().group);
        changed.add(member);
      }
      tellSoon();
    },
    close() {
      tell();
      closed = true;
      clock.clearTimeout(beating);
    },
  };
}

/** Undefined for what somebody else said there. */
function newsOf(content: Buffer): News | undefined {
  try {
    const news: Partial<News> | null = JSON.parse(content.toString());
    if (typeof news?.from !== 'string' || !Array.isArray(news.asks) || !Array.isArray(news.members)) return undefined;
    return { from: news.from, asks: news.asks, members: news.members };
  } catch {
    return undefined;
  }
}
