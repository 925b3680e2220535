"""Whether a suggestion uses a name that does not exist: a judge that shares no code with `context.ground`.

It knows what no editor can know: the file as its authors wrote it, and every word of the repository. Python
is judged by the compiler's own symbol tables, where the completed file compiles. Otherwise a name is
undefined when it is new: it stands nowhere in the original file or the repository, is no builtin, no member
of something else, in no header that this machine has, and the suggestion doesn't declare it either.
"""

from __future__ import annotations

import builtins
import functools
import keyword
import re
import symtable
import sysconfig
import warnings
from pathlib import Path

from foretype.tests.quality.corpus import SUFFIXES
from foretype.tests.quality.lexing import IDENTIFIER, masked

_PYTHON = {*dir(builtins), *keyword.kwlist, *keyword.softkwlist, "__file__", "__path__", "__class__"}
_TYPESCRIPT = """
    abstract any arguments as asserts async await bigint boolean break case catch class const
    constructor continue debugger declare default delete do else enum export extends false finally for
    from function get if implements import in infer instanceof interface is keyof let module namespace
    never new null number object of override private protected public readonly return satisfies set
    static string super switch symbol this throw true try type typeof undefined unique unknown var void
    while with yield Array ArrayBuffer AbortController AbortSignal Awaited BigInt Blob Boolean Buffer
    ClassDecorator ConstructorParameters DataView Date Document Element Error ErrorOptions EvalError
    Event EventTarget Exclude Extract File FormData Function Generator HTMLElement Headers Infinity
    InstanceType Int32Array Intl Iterable IterableIterator Iterator JSON Map Math MessageEvent NaN Node
    NonNullable NodeJS Number Object Omit OmitThisParameter Parameters Partial Pick Promise PromiseLike
    PropertyDescriptor PropertyKey Proxy RangeError ReadableStream Readonly ReadonlyArray ReadonlyMap
    ReadonlySet Record ReferenceError Reflect RegExp Request Required Response ReturnType Set String
    Symbol SyntaxError TextDecoder TextEncoder ThisType TypeError URIError URL URLSearchParams
    Uint8Array Uint16Array Uint32Array WeakMap WeakRef WeakSet WebSocket Window Worker XMLHttpRequest
    clearInterval clearTimeout console crypto decodeURIComponent document encodeURIComponent eval
    exports fetch global globalThis isFinite isNaN localStorage location module navigator parseFloat
    parseInt performance process queueMicrotask require self setImmediate setInterval setTimeout
    structuredClone window Float32Array Float64Array Int8Array Int16Array AsyncIterable AsyncGenerator
    Uppercase Lowercase Capitalize Uncapitalize
"""
_RUST = """
    as async await break const continue crate dyn else enum extern false fn for if impl in let loop
    match mod move mut pub ref return self Self static struct super trait true type unsafe use where
    while union macro_rules bool char f32 f64 i8 i16 i32 i64 i128 isize str u8 u16 u32 u64 u128 usize
    std core alloc Box Option Some None Result Ok Err String Vec ToString ToOwned Into From TryFrom
    TryInto Iterator IntoIterator Extend Default Clone Copy Debug Display PartialEq Eq PartialOrd Ord
    Hash Drop Fn FnMut FnOnce Send Sync Sized Unpin AsRef AsMut Deref DerefMut HashMap HashSet BTreeMap
    BTreeSet VecDeque Rc Arc RefCell Cell Mutex RwLock Cow Path PathBuf OsStr OsString Duration Instant
    Ordering PhantomData Pin Read Write BufReader BufWriter File println print eprintln eprint format
    panic assert assert_eq assert_ne debug_assert debug_assert_eq vec todo unimplemented unreachable
    write writeln matches include_str include_bytes concat env cfg dbg thread_local derive allow deny
    warn test inline must_use doc feature drop mem
"""
_C = """
    auto break case char const continue default do double else enum extern float for goto if inline int
    long register restrict return short signed sizeof static struct switch typedef union unsigned void
    volatile while bool true false define undef ifdef ifndef endif elif include error pragma defined
    NULL EOF errno stdin stdout stderr int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t
    size_t ssize_t intptr_t uintptr_t ptrdiff_t off_t time_t pid_t uid_t FILE va_list va_start va_end
    va_arg wchar_t INT_MAX INT_MIN UINT_MAX LONG_MAX LONG_MIN SIZE_MAX CHAR_BIT EXIT_SUCCESS
    EXIT_FAILURE DBL_MAX DBL_MIN FLT_MAX offsetof assert abort exit atexit getenv system malloc calloc
    realloc free qsort bsearch abs labs atoi atol atof strtol strtoul strtod strtoll rand srand memcpy
    memmove memset memcmp memchr strlen strcpy strncpy strcat strncat strcmp strncmp strchr strrchr
    strstr strtok strdup strerror strspn strcspn printf fprintf sprintf snprintf vprintf vfprintf
    vsnprintf scanf fscanf sscanf fopen fclose fread fwrite fgets fputs fputc fgetc getc putc puts
    putchar getchar fflush fseek ftell rewind feof ferror perror remove rename isalpha isdigit isalnum
    isspace isupper islower toupper tolower isxdigit isprint time clock difftime mktime gmtime localtime
    strftime sqrt pow exp log log10 log2 sin cos tan asin acos atan atan2 sinh cosh tanh floor ceil fabs
    fmod round trunc fmax fmin hypot cbrt isnan isinf isfinite signbit copysign ldexp frexp M_PI
    HUGE_VAL INFINITY NAN open close read write lseek fork execve waitpid kill getpid unlink stat fstat
    mkdir rmdir opendir readdir closedir socket bind listen accept connect send recv select poll ioctl
    fcntl mmap munmap sleep usleep signal EINTR EAGAIN ENOMEM EINVAL ENOENT EACCES EPERM EIO __FILE__
    __LINE__ __func__ __VA_ARGS__ INT64_MAX UINT64_MAX INT32_MAX UINT32_MAX DWORD HANDLE BOOL TRUE FALSE
    LPVOID LPCWSTR WCHAR ULONG GetLastError CloseHandle
"""
_JAVA = """
    abstract assert boolean break byte case catch char class const continue default do double else enum
    extends final finally float for goto if implements import instanceof int interface long native new
    non package permits private protected public record return sealed short static strictfp super switch
    synchronized this throw throws transient true false null try var void volatile while with yield
    Appendable ArithmeticException ArrayIndexOutOfBoundsException AutoCloseable Boolean Byte CharSequence
    Character Class ClassCastException ClassLoader ClassNotFoundException CloneNotSupportedException
    Comparable Deprecated Double Enum Error Exception Float FunctionalInterface
    IllegalAccessException IllegalArgumentException IllegalStateException IndexOutOfBoundsException
    InstantiationException Integer InterruptedException Iterable Long Math NegativeArraySizeException
    NoSuchFieldException NoSuchMethodException NullPointerException Number NumberFormatException Object
    Override Process ProcessBuilder Record ReflectiveOperationException Runnable Runtime RuntimeException
    SafeVarargs SecurityException Short StackTraceElement StrictMath String StringBuffer StringBuilder
    SuppressWarnings System Thread ThreadLocal Throwable UnsupportedOperationException Void
"""
BUILTINS: dict[str, frozenset[str]] = {
    "python": frozenset(_PYTHON),
    "typescript": frozenset(_TYPESCRIPT.split()),
    "rust": frozenset(_RUST.split()),
    "c": frozenset(_C.split()),
    "java": frozenset(_JAVA.split()),
}

_MEMBER = {
    "python": re.compile(r"\.\s*$"),
    "typescript": re.compile(r"(?<!\.)\.\s*$|\?\.\s*$"),
    "rust": re.compile(r"(?<!\.)\.\s*$|::\s*$|'$"),
    "c": re.compile(r"\.\s*$|->\s*$|\bgoto\s+$"),
    "java": re.compile(r"(?<!\.)\.\s*$|::\s*$|\b(?:break|continue)\s+$"),
}
_DECLARED = {
    "python": re.compile(
        r"\b(?:def|class|import|as|for|global|lambda)\s+(?P<names>[\w\s,*()]+)|(?P<assigned>\b\w+)\s*(?::[^=\n]+)?=(?!=)"
    ),
    "typescript": re.compile(
        r"\b(?:const|let|var|function\*?|class|type|interface|enum|namespace|import|infer|catch|for)\s*"
        r"[({\[]?(?P<names>[\w\s,:$]+)"
        r"|\((?P<parameters>[^()]*)\)\s*(?::[^=\n{]+)?(?:=>|\{|$)|(?P<single>\b\w+)\s*(?:=>|\??:)|<(?P<types>[^<>()]*)>\s*\("
    ),
    "rust": re.compile(
        r"\b(?:let|fn|struct|enum|trait|mod|type|const|static|for|use|impl)\s+(?P<names>[\w\s,():&<>]+)"
        r"|\|(?P<parameters>[^|]*)\||(?P<single>\b\w+)\s*:(?!:)|\b(?:Some|Ok|Err)\((?P<bound>[^()]*)\)"
        r"|[\w)]\s*\{(?P<fields>[^{}]*)\}\s*=>|<(?P<types>[^<>]*)>"
    ),
    "c": re.compile(
        r"\b(?:struct|enum|union|typedef|define|goto)\s+(?P<names>\w+)"
        r"|\b[A-Za-z_]\w*(?:\s+|\s*\*+\s*)(?P<declared>\w+)\s*(?:=(?!=)|;|,|\[|\)|\()"
        r"|^\s*(?P<label>\w+):"
    ),
    "java": re.compile(
        r"\b(?:class|interface|enum|record|catch|extends|super)\s*\(?(?P<names>[\w\s,|<>]+)"
        r"|\b[A-Za-z_][\w.]*(?:<[^;=(){}]*>)?(?:\[\])*\s+(?P<declared>\w+)\s*(?:=(?!=)|;|,|:|\)|\()"
        r"|(?P<single>\b\w+)\s*->|\((?P<parameters>[^()]*)\)\s*->|<(?P<types>[^<>()]*)>\s*\w+\s"
        r"|\b(?:boolean|byte|char|double|float|int|long|short|String|var)\s+(?P<last>\w+)\s*$"
    ),
}
_INCLUDED = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([\w./+-]+)[>"]', re.MULTILINE)
_SYSTEM_HEADERS = (Path("/usr/include"), Path("/usr/include/x86_64-linux-gnu"))
_VARIANT = re.compile(r"^\s*([A-Z]\w*)\s*[,({]", re.MULTILINE)
_KEYWORD = re.compile(r"\s*=(?!=)")
_PROPERTY = re.compile(r"\s*\??:(?!:)")
_MADE_FILES = (*(suffix for each in SUFFIXES.values() for suffix in each), ".h", ".tsx", ".pyi")


def undefined_names(
    language: str, original: str, completed: str, place: tuple[int, int], root: Path
) -> list[str]:
    """Names that the suggestion uses and nobody defines, in order.

    Args:
        language: the file's.
        original: the file as its authors wrote it.
        completed: the file with the suggestion in place.
        place: where the suggestion begins and ends in it, in code points.
        root: the repository.
    """
    start, end = place
    if language == "python":
        found = _by_symbol_tables(original, completed, start, end)
        if found is not None:
            return found
    line = completed.rfind("\n", 0, start) + 1
    code = masked(completed, language)
    known = set(IDENTIFIER.findall(original)) | BUILTINS[language] | _declared(code, language, line, end)
    if language == "c":
        known |= _words_of_headers(completed)
    if language == "rust" and _is_in_enumeration(code, line):
        known |= set(_VARIANT.findall(code, line, end))
    return [name for name in _used(code, language, start, end) if name not in known | words_of(root)]


def _words_of_headers(text: str) -> set[str]:
    """The words of those headers that a C file includes and this machine has."""
    words: set[str] = set()
    for header in _INCLUDED.findall(text):
        if header == "Python.h":
            words |= words_of(Path(sysconfig.get_path("include")))
        for folder in _SYSTEM_HEADERS:
            if (folder / header).is_file():
                words |= set(IDENTIFIER.findall((folder / header).read_text("utf-8", errors="ignore")))
    return words


def _is_in_enumeration(code: str, place: int) -> bool:
    """Whether the innermost open brace in front of a place is that of a Rust `enum`."""
    depth = 0
    for at in range(place - 1, -1, -1):
        depth += (code[at] == "}") - (code[at] == "{")
        if depth < 0:
            return re.search(r"\benum\b[^{};]*$", code[:at]) is not None
    return False


def _by_symbol_tables(original: str, completed: str, start: int, end: int) -> list[str] | None:
    """Global names that nothing in the module binds, new since the original; None where nobody can say."""
    after = _unbound(completed)
    before = _unbound(original)
    if after is None or before is None:
        return None
    # A name that the suggestion took away with what it replaced is not one that it uses.
    begin, stop = _whole_words(completed, start, end)
    own = {
        each.group()
        for each in IDENTIFIER.finditer(completed, begin, stop)
        if completed[each.start() - 1 : each.start()] != "."  # a member is its object's
    }
    return sorted((after - before) & own)


def _unbound(text: str) -> set[str] | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            table = symtable.symtable(text, "file", "exec")
        except (SyntaxError, ValueError, RecursionError):
            return None
    if re.search(r"^\s*from\s+\S+\s+import\s+\*", text, re.MULTILINE):
        return None
    bound: set[str] = set(_PYTHON)
    used: set[str] = set()
    waiting = [table]
    while waiting:
        scope = waiting.pop()
        waiting += scope.get_children()
        module = scope.get_type() == "module"
        for symbol in scope.get_symbols():
            binds = symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()
            if binds and (module or symbol.is_declared_global()):
                bound.add(symbol.get_name())
            if symbol.is_referenced() and (symbol.is_global() or (module and not binds)):
                used.add(symbol.get_name())
    return {name for name in used - bound if not name.startswith(("__", "_Py"))}


def _whole_words(text: str, start: int, end: int) -> tuple[int, int]:
    """Two places moved apart, to where the words begin and end that they stand in."""
    while start > 0 and (text[start - 1].isalnum() or text[start - 1] == "_"):
        start -= 1
    while end < len(text) and (text[end].isalnum() or text[end] == "_"):
        end += 1
    return start, end


def _declared(code: str, language: str, start: int, end: int) -> set[str]:
    """The words that stand where the language declares names."""
    parts = (
        part
        for found in _DECLARED[language].finditer(code, start, end)
        for part in found.groupdict().values()
    )
    return {name for part in parts for name in IDENTIFIER.findall(part or "")}


def _used(code: str, language: str, start: int, end: int) -> list[str]:
    """The names between two places, one that began before the first included; no members, no keys."""
    while start > 0 and (code[start - 1].isalnum() or code[start - 1] == "_"):
        start -= 1
    names: list[str] = []
    for found in IDENTIFIER.finditer(code, start, end):
        behind = code[found.end() : found.end() + 4]
        key = (language == "python" and _KEYWORD.match(behind)) or (
            language == "typescript" and _PROPERTY.match(behind)
        )
        member = _MEMBER[language].search(code, max(0, found.start() - 12), found.start())
        if not key and not member and len(found.group().strip("_")) > 1:
            names.append(found.group())
    return list(dict.fromkeys(names))


@functools.cache
def words_of(root: Path) -> frozenset[str]:
    """Every identifier-like word of a repository's sources, those in strings and comments included."""
    words: set[str] = set()
    for path in root.rglob("*"):
        if path.suffix in _MADE_FILES and path.is_file():
            words.update(IDENTIFIER.findall(path.read_text("utf-8", errors="ignore")))
    return frozenset(words)
