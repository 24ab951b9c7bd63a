// What Python must answer inside Node as it does from a shell. Each check leaves its answer in `result`; the answers
// are compared as JSON, so that what is large is a digest.

const TLS = `import hashlib, os, ssl
pem = os.path.join(os.environ["WANGP_TEST_FIXTURES"], "tls", "localhost.pem")

def handshake(version):
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(pem)
    client_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client_context.load_verify_locations(pem)
    client_context.maximum_version = version
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    client = client_context.wrap_bio(to_client, to_server, server_hostname="localhost")
    unfinished = [client, server]
    for _ in range(10):
        for end in list(unfinished):
            try:
                end.do_handshake()
                unfinished.remove(end)
            except ssl.SSLWantReadError:
                pass
    client.write(b"from the client")
    heard = server.read().decode()
    server.write(b"from the server")
    certificate = hashlib.sha256(client.getpeercert(True)).hexdigest()
    return [client.version(), client.cipher(), heard, client.read().decode(), certificate, len(unfinished)]

ciphers = [cipher["name"] for cipher in ssl.create_default_context().get_ciphers()]
result = [handshake(ssl.TLSVersion.TLSv1_2), handshake(ssl.TLSVersion.TLSv1_3), ciphers]`;

const HASHES = `import hashlib
def digest(name):
    try:
        made = hashlib.new(name, b"wangp" * 1000, usedforsecurity=False)
        return made.hexdigest(32) if name.startswith("shake") else made.hexdigest()
    except ValueError as error:
        return "refused"
result = {name: digest(name) for name in sorted(hashlib.algorithms_available)}
result["pbkdf2"] = hashlib.pbkdf2_hmac("sha256", b"wangp", b"salt", 1000).hex()
result["scrypt"] = hashlib.scrypt(b"wangp", salt=b"salt", n=16, r=8, p=1).hex()`;

const SQLITE = `import sqlite3
connection = sqlite3.connect(":memory:")
connection.execute("create table frames (number integer, name text)")
connection.executemany("insert into frames values (?, ?)", [(n, str(n)) for n in range(1000)])
total = connection.execute("select sum(number), max(name) from frames").fetchone()
identity = connection.execute("select sqlite_version(), sqlite_source_id()").fetchone()
options = [row[0] for row in connection.execute("pragma compile_options")]
result = [sqlite3.sqlite_version, identity, options, total]`;

const COMPRESSION = (module, compress) => `import hashlib, ${module}
data = b"".join(str(number).encode() for number in range(100000))
packed = ${module}.${compress}
result = [hashlib.sha256(packed).hexdigest(), ${module}.decompress(packed) == data]`;

const PICTURE = (format, library) => `import hashlib, io
from PIL import Image, features
picture = Image.merge("RGB", [Image.linear_gradient("L"), Image.radial_gradient("L"), Image.linear_gradient("L")])
file = io.BytesIO()
picture.save(file, "${format}")
again = Image.open(io.BytesIO(file.getvalue())).convert("RGB").tobytes()
digests = [hashlib.sha256(data).hexdigest() for data in (file.getvalue(), again)]
result = [digests, features.version("${library}")]`;

const DECODING = `import av, hashlib, os
digest = hashlib.sha256()
count = 0
with av.open(os.path.join(os.environ["WANGP_TEST_FIXTURES"], "media", "guide.mp4")) as container:
    for frame in container.decode(video=0):
        digest.update(frame.to_ndarray(format="rgb24").tobytes())
        count += 1
result = [count, digest.hexdigest(), {name: list(version) for name, version in av.library_versions.items()}]`;

const ENCODING = `import av, hashlib, io, numpy
def encode(format, codec, pixels):
    file = io.BytesIO()
    with av.open(file, "w", format=format) as container:
        stream = container.add_stream(codec, rate=8)
        stream.width, stream.height, stream.pix_fmt, stream.thread_count = 64, 48, pixels, 1
        for number in range(8):
            picture = numpy.full((48, 64, 3), number * 20, dtype=numpy.uint8)
            picture[:, number * 8:number * 8 + 8] = 255
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    data = file.getvalue()
    with av.open(io.BytesIO(data)) as container:
        frames = [frame.to_ndarray(format="rgb24").tobytes() for frame in container.decode(video=0)]
    return [hashlib.sha256(data).hexdigest(), len(frames), hashlib.sha256(b"".join(frames)).hexdigest()]
# FFmpeg takes Node's zlib (docs/isolation.md): what these two codecs pack has other bytes, and must give the same frames.
packed = [encode("mov", "png", "rgb24")[1:], encode("avi", "zlib", "bgr24")[1:]]
result = [encode("mp4", "libx264", "yuv420p"), packed]`;

const NUMPY = `import hashlib, io, numpy
random = numpy.random.default_rng(1)
left, right = random.standard_normal((96, 96)), random.standard_normal((96, 96))
packed = io.BytesIO()
numpy.savez_compressed(packed, left=left)
unpacked = numpy.load(io.BytesIO(packed.getvalue()))["left"]
arrays = [left @ right, numpy.linalg.svd(left)[1], numpy.fft.fft(left).real, unpacked]
result = [hashlib.sha256(numpy.ascontiguousarray(array).tobytes()).hexdigest() for array in arrays]`;

const TORCH = `import hashlib, io, torch
torch.set_num_threads(1)
torch.manual_seed(1)
picture, kernel = torch.randn(1, 3, 32, 32), torch.randn(8, 3, 3, 3)
convolved = torch.nn.functional.conv2d(picture, kernel)
product = picture[0, 0] @ picture[0, 1]
packed = io.BytesIO()
torch.save(convolved, packed)
packed.seek(0)
tensors = [convolved, product, torch.linalg.inv(product), torch.load(packed)]
result = [torch.__version__, [hashlib.sha256(bytes(tensor.contiguous().view(-1).tolist().__repr__(), "ascii")).hexdigest()
                              for tensor in tensors]]`;

const EXTENSION = `import os, sys
sys.path.insert(0, os.environ["WANGP_TEST_EXTENSIONS"])
import streams
`;

/**
 * The checks by name. `statements`: what Python runs. `torch`: only where the interpreter has torch. `compare`: what is
 * compared instead of the answer itself: `environment` the answer with the environment of the process, `streams` the
 * lines on stdout and stderr.
 */
export const CHECKS = [
  { name: 'OpenSSL version', statements: 'import ssl; result = [ssl.OPENSSL_VERSION, list(ssl.OPENSSL_VERSION_INFO)]' },
  { name: 'zlib version', statements: 'import zlib; result = [zlib.ZLIB_RUNTIME_VERSION, zlib.ZLIB_VERSION]' },
  { name: 'SQLite', statements: SQLITE },
  { name: 'TLS handshakes', statements: TLS },
  { name: 'hashlib', statements: HASHES },
  { name: 'zlib', statements: `${COMPRESSION('zlib', 'compress(data, 9)')}\nresult.append(zlib.crc32(data))` },
  { name: 'gzip', statements: COMPRESSION('gzip', 'compress(data, mtime=0)') },
  { name: 'lzma', statements: COMPRESSION('lzma', 'compress(data)') },
  { name: 'bz2', statements: COMPRESSION('bz2', 'compress(data)') },
  { name: "Pillow's PNG", statements: PICTURE('PNG', 'zlib') },
  { name: "Pillow's JPEG", statements: PICTURE('JPEG', 'jpg') },
  { name: 'PyAV decoding', statements: DECODING },
  { name: 'PyAV encoding', statements: ENCODING },
  { name: 'NumPy', statements: NUMPY },
  { name: 'torch', statements: TORCH, torch: true },
  { name: 'os.environ', statements: 'import os; result = dict(os.environ)', compare: 'environment' },
  { name: 'C++ exceptions', statements: `${EXTENSION}result = streams.caught("wangp")` },
  { name: 'C++ streams', statements: `${EXTENSION}result = streams.write("wangp")`, compare: 'streams' },
];
