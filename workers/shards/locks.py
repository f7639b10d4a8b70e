"""Shard locks and the keeper's lease in Redis.

A lock is granted only by a server that remembers: one whose memory (the epoch key) is at least a lease old. A server
that was restarted may have forgotten the locks of its last second, a wiped one all of them; in both cases holders
that still live renew within LOCK_RENEW_S and so get their lock back before anybody else may take it. The supervisor
vouches for a server that it started while no worker lived (`vouch`), so that a first run need not wait.
"""

from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from schemas import wire

EPOCH_KEY = f"{wire.KEY_PREFIX}:epoch"

# KEYS epoch | ARGV lease_s. Returns 1 if the server remembers at least a lease, else 0; starts a new epoch if needed.
_REMEMBERS = """
local function remembers(epoch_key, lease_s)
  local run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
  local now = tonumber(redis.call('TIME')[1])
  local epoch = redis.call('GET', epoch_key)
  local id, since = string.match(epoch or '', '^(%x+):(%d+)$')
  if id ~= run_id then
    redis.call('SET', epoch_key, run_id .. ':' .. now)
    return false
  end
  return math.abs(now - tonumber(since)) > lease_s
end
"""

_ACQUIRE = (
    _REMEMBERS
    + """
if not remembers(KEYS[2], tonumber(ARGV[3])) then return -1 end
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
return 0
"""
)

_RENEW = """
local held = redis.call('GET', KEYS[1])
if held == ARGV[1] then redis.call('PEXPIRE', KEYS[1], ARGV[2]) return 1 end
"""
_TAKE_BACK = "if not held then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) return 1 end\n"
_ELSE_LOST = "return 0"

_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"

_VOUCH = """
local run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
redis.call('SET', KEYS[1], run_id .. ':0')
"""

GRANTED, TAKEN, NOT_YET = 1, 0, -1


def _renewing(*, take_back: bool) -> str:
    return _RENEW + (_TAKE_BACK if take_back else "") + _ELSE_LOST


def _lease_ms(lease_s: float) -> int:
    return int(lease_s * 1000)


async def acquire(redis: AsyncRedis, key: str, token: str, lease_s: float = wire.LOCK_LEASE_S) -> int:
    """GRANTED, TAKEN (somebody holds it) or NOT_YET (the server does not remember long enough)."""
    args = (key, EPOCH_KEY, token, _lease_ms(lease_s), wire.LOCK_LEASE_S)
    return int(await redis.eval(_ACQUIRE, 2, *args))


async def renew(
    redis: AsyncRedis, key: str, token: str, lease_s: float = wire.LOCK_LEASE_S, *, take_back: bool = True
) -> bool:
    """Extend a lock; False if it is lost.

    Args:
        redis: where it is kept.
        key: of the lock.
        token: of its holder.
        lease_s: from now on.
        take_back: a lock that the server forgot is still ours. Only for a holder whose last lease has not run out by
            its own clock: after that somebody else may have had it and given it back.
    """
    return bool(await redis.eval(_renewing(take_back=take_back), 1, key, token, _lease_ms(lease_s)))


async def release(redis: AsyncRedis, key: str, token: str) -> None:
    """Give a lock back if it is still ours."""
    await redis.eval(_RELEASE, 1, key, token)


def acquire_now(redis: Redis, key: str, token: str, lease_s: float) -> int:
    """As `acquire`, from a plain thread."""
    args = (key, EPOCH_KEY, token, _lease_ms(lease_s), wire.LOCK_LEASE_S)
    return int(redis.eval(_ACQUIRE, 2, *args))


def renew_now(redis: Redis, key: str, token: str, lease_s: float, *, take_back: bool = False) -> bool:
    """As `renew`, from a plain thread."""
    return bool(redis.eval(_renewing(take_back=take_back), 1, key, token, _lease_ms(lease_s)))


def release_now(redis: Redis, key: str, token: str) -> None:
    """As `release`, from a plain thread."""
    redis.eval(_RELEASE, 1, key, token)


def vouch(redis: Redis) -> None:
    """Say that no lock of an earlier life can matter: no worker lived when this server started."""
    redis.eval(_VOUCH, 1, EPOCH_KEY)
