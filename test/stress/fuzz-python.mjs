// Objects that Python can make and a conversion may stumble over.
import { Buffer } from 'node:buffer';
import { ExpectedTensor, ExpectedUnknown } from './fuzz-to-js.mjs';

/** What the sources of this folder may use; it becomes `kept["prelude"]`. */
export const PRELUDE = `import array, collections, ctypes, dataclasses, datetime, decimal, enum, fractions, pathlib, types
import collections.abc, uuid
import numpy as np
# Of exceptions in __del__ Python only prints that it ignores them.
sys.unraisablehook = lambda _: None
def fail(*_, **__): raise kept["raises"]("hostile")
def endless(*_):
    while True: yield 1
def nested(value, levels):
    for _ in range(levels): value = [value]
    return value
HOSTILE = dict.fromkeys(("__iter__", "__len__", "__getitem__", "__contains__", "__eq__", "__bool__", "keys", "items"), fail)
S = type("S", (str,), {**HOSTILE, "__hash__": str.__hash__, "__str__": fail, "__repr__": fail, "encode": fail})
F = type("F", (float,), {"__float__": fail, "__repr__": fail})
I = type("I", (int,), {"__index__": fail, "__int__": fail, "__repr__": fail, "__str__": fail})
L = type("L", (list,), {**HOSTILE, "__repr__": fail})
T = type("T", (tuple,), {**HOSTILE, "__hash__": tuple.__hash__})
D = type("D", (dict,), {**HOSTILE, "__repr__": fail})
Pair = collections.namedtuple("Pair", "x y")
Mute = type("Mute", (), {"__repr__": fail, "__str__": fail})
def thing(**members):
    members.setdefault("__repr__", lambda self: "thing")
    return type("Thing", (), members)()
class StrEnum(str, enum.Enum): pass
class Frozen(collections.abc.Mapping):
    def __init__(self, pairs): self.pairs = dict(pairs)
    def __getitem__(self, key): return self.pairs[key]
    def __iter__(self): return iter(self.pairs)
    def __len__(self): return len(self.pairs)
@dataclasses.dataclass
class Point:
    x: object
    y: object = None
class Meta(type):
    def __getattribute__(cls, name): fail()
class Dying:
    def __init__(self, keep=False): self.keep = keep
    def __del__(self):
        if self.keep: kept.setdefault("undead", []).append(self)
        if len(kept.get("undead", ())) > 100: kept["undead"].clear()
        fail()
    def __repr__(self): return "dying"
class Clearing:
    def __init__(self, container): self.container = container
    def __repr__(self):
        self.container.clear()
        return "clearing"
def emptied():
    items = [1]
    items += [Clearing(items), 2, 3]
    return items
def emptied_dict():
    items = {"a": 1}
    items.update(b=Clearing(items), c=3)
    return items
def self_list():
    items = [1]
    items.append(items)
    return items
def self_tuple():
    items = ([],)
    items[0].append(items)
    return items
def self_dataclass():
    point = Point(1)
    point.y = point
    return point
kept["prelude"] = {name: value for name, value in globals().items() if not name.startswith("__")}`;

/** One of these is what `fail` raises. */
export const RAISES = [
  'ValueError',
  'SystemExit',
  'KeyboardInterrupt',
  'RecursionError',
  'MemoryError',
  'StopIteration',
  'GeneratorExit',
];

const unknown = (type, repr) => new ExpectedUnknown(type, repr);

/** Objects of the standard library and of NumPy, and what becomes of them. */
const KNOWN = [
  ['pathlib.PurePosixPath("/a/größe")', '/a/größe'],
  ['pathlib.PureWindowsPath("C:/a")', 'C:\\a'],
  ['enum.Enum("E", {"A": (1, "b")}).A', [1, 'b']],
  ['enum.IntFlag("E", {"A": 4}).A', 4],
  ['collections.Counter("aab")', { a: 2, b: 1 }],
  ['collections.defaultdict(list, a=[1])', { a: [1] }],
  ['collections.ChainMap({"a": 1})', { a: 1 }],
  ['types.MappingProxyType({"a": 1})', { a: 1 }],
  ['Point(1, Point("a"))', { x: 1, y: { x: 'a', y: null } }],
  ['I(7)', 7],
  ['I(2**70)', 2n ** 70n],
  ['collections.deque([1])', unknown('collections.deque', 'deque([1])')],
  ['collections.UserList([1])', unknown('UserList', '[1]')],
  [
    'datetime.datetime(2024, 1, 2, 3, tzinfo=datetime.timezone.utc)',
    unknown('datetime.datetime', /^datetime\.datetime\(2024, 1, 2, 3, 0, tz/),
  ],
  ['datetime.timedelta(1)', unknown('datetime.timedelta', 'datetime.timedelta(days=1)')],
  ['decimal.Decimal("NaN")', unknown('decimal.Decimal', "Decimal('NaN')")],
  ['fractions.Fraction(1, 3)', unknown('Fraction', 'Fraction(1, 3)')],
  ['uuid.UUID(int=1)', '00000000-0000-0000-0000-000000000001'],
  ['range(2)', unknown('range', 'range(0, 2)')],
  ['slice(1, None)', unknown('slice', 'slice(1, None, None)')],
  ['1j', unknown('complex', '1j')],
  ['...', unknown('ellipsis', 'Ellipsis')],
  ['NotImplemented', unknown('NotImplementedType', 'NotImplemented')],
  ['int', unknown('type', "<class 'int'>")],
  ['Point', unknown('type')],
  ['array', unknown('module')],
  ['len', unknown('builtin_function_or_method', '<built-in function len>')],
  ['{}.keys()', unknown('dict_keys', 'dict_keys([])')],
  ['iter([])', unknown('list_iterator')],
  ['(x for x in (1,))', unknown('generator')],
  ['ValueError("x")', unknown('ValueError', "ValueError('x')")],
  ['np.int8(-3)', -3],
  ['np.uint64(2**64 - 1)', 2n ** 64n - 1n],
  ['np.float16(1.5)', 1.5],
  ['np.float32("nan")', NaN],
  ['np.longdouble(0.5)', 0.5],
  ['np.bool_(True)', true],
  ['np.str_("a\\ud800")', 'a\ud800'],
  ['np.complex64(1j)', unknown('complex', '1j')],
  ['np.datetime64("2024-01-02")', unknown('datetime.date', 'datetime.date(2024, 1, 2)')],
  ['np.datetime64("NaT")', null],
  ['np.timedelta64(5, "D")', unknown('datetime.timedelta', 'datetime.timedelta(days=5)')],
  ['np.zeros(1, [("a", "i4")])[0]', unknown('numpy.void')],
  ['np.array([None, 1], object)', unknown('numpy.ndarray', 'array([None, 1], dtype=object)')],
  ['np.array([1j])', unknown('numpy.ndarray')],
  ['np.array(["a"])', unknown('numpy.ndarray')],
  ['np.array([b"a"])', unknown('numpy.ndarray')],
  ['np.array(["2024-01-01"], "M8[s]")', unknown('numpy.ndarray')],
  ['np.zeros(2, [("a", "i4"), ("b", "f8")])', unknown('numpy.ndarray')],
  ['np.dtype("i4")', unknown(/dtype|DType/, "dtype('int32')")],
  ['memoryview(bytearray(8)).cast("P")', unknown('memoryview')],
  ['memoryview(np.array([1], ">i4"))', unknown('memoryview')],
  ['memoryview(np.array([1j]))', unknown('memoryview')],
  [
    'memoryview(np.array([0.5, -2], "f2"))',
    new ExpectedTensor({ dtype: 'float32', shape: [2], zeroCopy: false }, Buffer.from(Float32Array.of(0.5, -2).buffer)),
  ],
  ['memoryview(np.zeros((0, 3)))', new ExpectedTensor({ dtype: 'float64', shape: [0, 3] })],
  ['(lambda m: (m.release(), m)[1])(memoryview(bytearray(2)))', unknown('memoryview')],
  ['(ctypes.c_char_p * 2)()', unknown('c_char_p_Array_2')],
  ['type("X", (ctypes.Structure,), {"_fields_": [("a", ctypes.c_int)]})()', unknown('X')],
];

/** What defends itself against being looked at: none of it may raise here or hang. */
const HOSTILE = [
  ['Mute()', unknown('Mute', '<unprintable>')],
  ['{Mute(): 1}', { '<unprintable key>': 1 }],
  ['{S("a"): S("b")}', { a: 'b' }],
  ['thing(__getattribute__=fail)', unknown('Thing', 'thing')],
  ['thing(__class__=property(fail))', unknown('Thing', 'thing')],
  ['thing(__fspath__=fail)', unknown('Thing', 'thing')],
  ['thing(__fspath__=lambda self: 1)', unknown('Thing', 'thing')],
  ['thing(__fspath__=lambda self: "/p")', '/p'],
  ['thing(__dlpack__=fail)', unknown('Thing', 'thing')],
  ['thing(__dlpack__=lambda self, **_: 1)', unknown('Thing', 'thing')],
  ['thing(__array__=fail, __len__=fail)', unknown('Thing', 'thing')],
  ['thing(__getattr__=lambda self, name: self)', unknown('Thing', 'thing')],
  ['thing(__dict__=property(fail), __dataclass_fields__=property(fail))', unknown('Thing', 'thing')],
  ['thing(__dataclass_fields__=1)', unknown('Thing', 'thing')],
  ['thing(__module__="numpy", item=fail)', unknown(/Thing$/, 'thing')],
  ['thing(__module__="numpy", item=lambda self: self)', unknown(/Thing$/, 'thing')],
  ['thing(__repr__=lambda self: "x" * 10**6)', unknown('Thing', 'x'.repeat(1000))],
  ['thing(__repr__=lambda self: 1)', unknown('Thing', '<unprintable>')],
  ['thing(__repr__=lambda self: S("\\ud800"))', unknown('Thing', '\ud800')],
  ['thing(__repr__=lambda self: repr(self))', unknown('Thing', '<unprintable>')],
  ['Meta("M", (), {"__repr__": lambda self: "m"})()', unknown('M', 'm')],
  ['Dying()', unknown('Dying', 'dying')],
  ['[Dying(), Dying(keep=True)]', [unknown('Dying', 'dying'), unknown('Dying', 'dying')]],
  ['emptied()', [1, unknown('Clearing', 'clearing')]],
  ['emptied_dict()', { a: 1, b: unknown('Clearing', 'clearing'), c: 3 }],
  ['self_list()', [1, unknown('list', '[1, [...]]')]],
  ['self_tuple()', [[unknown('tuple', '([(...)],)')]]],
  ['self_dataclass()', { x: 1, y: unknown('Point', 'Point(x=1, y=...)') }],
  ['type("M", (Frozen,), {"__iter__": fail, "__repr__": lambda self: "m"})({})', unknown('M', 'm')],
  ['type("M", (Frozen,), {"__getitem__": fail, "__repr__": lambda self: "m"})({1: 2})', unknown('M', 'm')],
  ['type("X", (set,), {"__iter__": fail})([1])', [1]],
  ['type("X", (set,), {"__iter__": endless})([1])', [1]],
  ['type("X", (frozenset,), {"__iter__": endless, "__len__": fail})([1])', [1]],
  [
    'type("P", (Point,), {"x": property(fail), "__init__": lambda self: None, "__repr__": lambda self: "p"})()',
    unknown('P', 'p'),
  ],
  ['type("Größe漢", (), {"__repr__": lambda self: "r漢"})()', unknown('Größe漢', 'r漢')],
  ['enum.Enum("E", {"A": Mute()}).A', unknown('Mute', '<unprintable>')],
];

/** Makers of `[source, expected]`. */
export function hostileSources({ pick }) {
  return [() => pick(KNOWN), () => pick(HOSTILE)];
}
