# SPDX-License-Identifier: MIT
"""Shows that every check in scripts/ can fail: each case builds a small tree with one fault in it.

Run by CTest (style.checks_can_fail) or by hand: python3 tests/style/check_cases.py
"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

SCRIPTS = pathlib.Path(__file__).resolve().parent.parent.parent / "scripts"
SPDX = "// SPDX-License-Identifier: MIT\n"


class Tree(unittest.TestCase):
    """A temporary tree; `run_check` gives a script's exit code and output on it."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="mcpwire-style-")
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name)

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def run_check(self, script, *arguments):
        done = subprocess.run([sys.executable, SCRIPTS / script, "--root", self.root, *arguments],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.stderr, "")
        return done.returncode, done.stdout

    def assert_passes(self, script):
        code, output = self.run_check(script)
        self.assertEqual(code, 0, output)

    def assert_fails(self, script, *words):
        code, output = self.run_check(script)
        self.assertEqual(code, 1, output)
        for word in words:
            self.assertIn(word, output)


class LayersTest(Tree):
    def setUp(self):
        super().setUp()
        for path in ("protocol/a.hpp", "protocol/json/j.hpp", "ring/r.hpp", "io/loop.hpp", "pool/p.hpp",
                     "io/detail/private.hpp", "client/c.hpp", "telemetry/t.hpp"):
            self.write(path, SPDX)

    def include(self, file, target):
        self.write(file, SPDX + f'#include "{target}"\n')

    def test_accepts_the_allowed_direction(self):
        self.include("pool/x.cpp", "io/loop.hpp")
        self.include("parallel/x.cpp", "io/loop.hpp")
        self.include("tests/io/x_test.cpp", "io/detail/private.hpp")
        self.assert_passes("check_layers.py")

    def test_rejects_an_upward_include(self):
        self.include("io/x.cpp", "pool/p.hpp")
        self.assert_fails("check_layers.py", "io/x.cpp:2", "io/ may not use pool/")

    def test_rejects_pool_in_parallel(self):
        self.include("parallel/x.cpp", "pool/p.hpp")
        self.assert_fails("check_layers.py", "parallel/ may not use pool/")

    def test_rejects_json_in_ring_and_client(self):
        self.include("ring/x.cpp", "protocol/json/j.hpp")
        self.include("client/x.cpp", "protocol/json/j.hpp")
        self.assert_fails("check_layers.py", "ring/x.cpp", "client/x.cpp", "must not know JSON")

    def test_rejects_io_in_the_command_line_tool(self):
        self.write("io/system_file_system.hpp", SPDX)
        self.include("tools/mcpwire/main.cpp", "io/system_file_system.hpp")
        self.assert_passes("check_layers.py")
        self.include("tools/mcpwire/main.cpp", "io/loop.hpp")
        self.assert_fails("check_layers.py", "tools/mcpwire/main.cpp")

    def test_rejects_more_than_base_in_telemetry(self):
        self.include("telemetry/x.cpp", "protocol/a.hpp")
        self.assert_fails("check_layers.py", "telemetry/ may not use protocol/")

    def test_rejects_a_foreign_detail_header(self):
        self.include("pool/x.cpp", "io/detail/private.hpp")
        self.include("tests/pool/x_test.cpp", "io/detail/private.hpp")
        self.assert_fails("check_layers.py", "pool/x.cpp", "tests/pool/x_test.cpp", "private to io/")

    def test_rejects_an_include_beside_the_file(self):
        self.include("io/x.cpp", "loop.hpp")
        self.assert_fails("check_layers.py", "start at the repository root")

    def test_rejects_a_cycle(self):
        self.include("io/a.hpp", "io/b.hpp")
        self.include("io/b.hpp", "io/a.hpp")
        self.assert_fails("check_layers.py", "include cycle: io/a.hpp -> io/b.hpp -> io/a.hpp")

    def test_ignores_an_include_in_a_comment(self):
        self.write("io/x.cpp", SPDX + '// #include "pool/p.hpp"\n/*\n#include "pool/p.hpp"\n*/\n')
        self.assert_passes("check_layers.py")

    def test_rejects_a_library_header_that_is_not_listed(self):
        self.write("io/x.cpp", SPDX + "#include <liburing.h>\n")
        self.assert_fails("check_layers.py", "<liburing.h>")
        self.write("scripts/library_headers.txt", "io/x.cpp | liburing | the loop\n")
        self.assert_passes("check_layers.py")

    def test_rejects_a_library_in_a_public_header_even_if_listed(self):
        self.write("io/x.hpp", SPDX + "#include <boost/lockfree/spsc_queue.hpp>\n")
        self.write("scripts/library_headers.txt", "io/x.hpp | boost | queues\n")
        self.assert_fails("check_layers.py", "one .cpp or a detail/ header")

    def test_rejects_a_stale_or_reasonless_entry(self):
        self.write("scripts/library_headers.txt", "io/x.cpp | liburing | gone\nio/loop.hpp | liburing\n")
        self.assert_fails("check_layers.py", "stale", "want `path | what | reason`")


RING_TOP = SPDX + "// Ordering: [ring.commit] the one pair.\n"
RELEASE = "w.store(1, std::memory_order_release);  // SYNC [ring.commit]\n"
ACQUIRE = "// SYNC [ring.commit]\nw.load(std::memory_order_acquire);\n"


class SyncTest(Tree):
    def test_accepts_a_pair(self):
        self.write("ring/a.cpp", RING_TOP + RELEASE)
        self.write("client/b.cpp", SPDX + ACQUIRE)
        self.assert_passes("check_sync.py")

    def test_accepts_two_fences_that_say_their_side(self):
        fence = "std::atomic_thread_fence(std::memory_order_seq_cst);\n"
        self.write("ring/a.cpp", RING_TOP + "// SYNC [ring.commit] release: before.\n" + fence +
                   "// SYNC [ring.commit] acquire: after.\n" + fence)
        self.assert_passes("check_sync.py")

    def test_rejects_a_missing_end(self):
        self.write("ring/a.cpp", RING_TOP + RELEASE + RELEASE)
        self.assert_fails("check_sync.py", "[ring.commit] has no acquire end")
        self.write("ring/a.cpp", RING_TOP + ACQUIRE + "\n" + ACQUIRE)
        self.assert_fails("check_sync.py", "[ring.commit] has no release end")

    def test_rejects_two_fences_of_the_same_side(self):
        fence = "// SYNC [ring.commit] release\nstd::atomic_thread_fence(std::memory_order_seq_cst);\n"
        self.write("ring/a.cpp", RING_TOP + fence + fence)
        self.assert_fails("check_sync.py", "[ring.commit] has no acquire end")

    def test_rejects_a_side_that_the_order_denies(self):
        self.write("ring/a.cpp", RING_TOP + RELEASE + ACQUIRE.replace("]", "] release"))
        self.assert_fails("check_sync.py", "release, but the operation is acquire")

    def test_rejects_an_unnamed_acquire(self):
        self.write("io/a.cpp", SPDX + "x = w.load(std::memory_order_acquire);\n")
        self.assert_fails("check_sync.py", "io/a.cpp:2: acquire without")

    def test_rejects_a_pair_that_no_file_tells(self):
        self.write("ring/a.cpp", SPDX + "#include <atomic>\n" + RELEASE + ACQUIRE)
        self.assert_fails("check_sync.py", "not told in the comment at the top")

    def test_rejects_a_name_of_ring_without_a_model(self):
        self.write("ring/a.cpp", RING_TOP + RELEASE + ACQUIRE)
        self.write("tests/models/a.pml", "store(w)  // SYNC [ring.commit] release\n")
        self.assert_fails("check_sync.py", "no acquire end in tests/models")
        self.write("scripts/sync_without_model.txt", "ring/a.cpp | ring.commit | told elsewhere\n")
        self.assert_passes("check_sync.py")
        self.write("tests/models/a.pml", "// SYNC [ring.commit] release\n// SYNC [ring.commit] acquire\n")
        self.assert_fails("check_sync.py", "stale")

    def test_rejects_a_name_that_only_a_model_has(self):
        self.write("ring/a.cpp", RING_TOP + RELEASE + ACQUIRE)
        self.write("tests/models/a.pml", "// SYNC [ring.commit] [ring.gone] release\n// SYNC [ring.commit] acquire\n")
        self.assert_fails("check_sync.py", "[ring.gone], which the code does not have")

    def test_rejects_default_orders(self):
        for operation in ("x = w.load();", "w.store(1);", "w->fetch_add(1);", "w.compare_exchange_weak(a,\n b);",
                          "std::atomic<int> n;\nvoid f() { ++n; }", "std::atomic<int> n{0};\nvoid f() { n = 1; }"):
            with self.subTest(operation):
                self.write("daemon/a.cpp", SPDX + operation + "\n")
                self.assert_fails("check_sync.py", "names no memory order")

    def test_accepts_what_is_no_atomic(self):
        self.write("daemon/a.cpp", SPDX + "config.load(path);\nslab.store(bytes);  // not atomic\n"
                   "std::exchange(fd, -1);\nstd::atomic<int> n = 0;\nw.store(1,\n   std::memory_order_relaxed);\n")
        self.assert_passes("check_sync.py")


class UnsafeTest(Tree):
    def test_rejects_what_is_not_listed(self):
        for code in ("reinterpret_cast<int*>(p);", "mmap(0, 1);", "::syscall(3);", 'extern "C" int f();'):
            with self.subTest(code):
                self.write("io/a.cpp", SPDX + code + "\n")
                self.assert_fails("check_unsafe.py", "io/a.cpp:2", "is not allowed here")

    def test_accepts_what_is_listed_and_ignores_comments(self):
        self.write("io/a.cpp", SPDX + "mmap(0, 1);\n// reinterpret_cast\n")
        self.write("scripts/unsafe_allowlist.txt", "io/a.cpp | mmap | maps the ring\n")
        self.assert_passes("check_unsafe.py")

    def test_rejects_a_stale_entry(self):
        self.write("io/a.cpp", SPDX)
        self.write("scripts/unsafe_allowlist.txt", "io/a.cpp | mmap | maps the ring\n")
        self.assert_fails("check_unsafe.py", "stale")


class CoroutinesTest(Tree):
    def test_rejects_what_may_refer_to_a_temporary(self):
        for parameter in ("const std::string& name", "Lease&& lease", "std::string_view name", "ByteSpan bytes",
                          "const std::vector<int>& items", "std::span<const int> items", "Lease const& lease"):
            for declaration in ("task<Result<void>> f(Loop& loop, {});", "io::task<int> f({}) {{"):
                with self.subTest(parameter):
                    self.write("io/a.hpp", SPDX + declaration.format(parameter) + "\n")
                    self.assert_fails("check_coroutines.py", "io/a.hpp:2", "may refer to a temporary")

    def test_accepts_plain_references_values_and_explained_ones(self):
        self.write("io/a.hpp", SPDX + "task<int> f(Loop& loop, std::string name,\n"
                   "            std::function<task<int>(const int&)> work,\n"
                   "            const Item& item);  // outlives: awaited by the owner of item\n"
                   "std::vector<task<int>> tasks(const int& count);\n"
                   "task<int> Declared::elsewhere(const Item& item) {\n")
        self.assert_passes("check_coroutines.py")


class DependenciesTest(Tree):
    def write_dependencies(self, count, peers=0):
        names = [f"lib{n}" for n in range(count)]
        more = [f"peer{n}" for n in range(peers)]
        self.write("cmake/Dependencies.cmake", "find_package(PkgConfig REQUIRED)\nfind_package(Threads)\n" +
                   "".join(f"find_package({n})\n" for n in names) + "# find_package(not_used)\n# Benchmark peers\n" +
                   "".join(f"pkg_check_modules({n} REQUIRED {n})\n" for n in more))
        self.write("scripts/packages.txt", "".join(f"{n}-dev {n} needed\n" for n in
                                                   names + ["PkgConfig", "Threads"]))
        self.write("scripts/packages_peers.txt", "".join(f"{n}-dev {n} measured\n" for n in more))

    def test_accepts_nineteen_and_any_peers(self):
        self.write_dependencies(19, peers=4)
        self.assert_passes("check_dependencies.py")

    def test_rejects_twenty(self):
        self.write_dependencies(20)
        self.assert_fails("check_dependencies.py", "20 direct dependencies")

    def test_rejects_a_dependency_without_package_and_the_other_way_round(self):
        self.write_dependencies(1)
        self.write("scripts/packages.txt", "libcurl-dev CURL http\nx PkgConfig x\ny Threads y\n")
        self.assert_fails("check_dependencies.py", "no package for lib0", "CURL is not in")

    def test_rejects_a_peer_that_everybody_would_install(self):
        self.write_dependencies(1, peers=1)
        self.write("scripts/packages.txt", "lib0-dev lib0 x\nx PkgConfig x\ny Threads y\np peer0 x\n")
        self.write("scripts/packages_peers.txt", "# none\n")
        self.assert_fails("check_dependencies.py", "packages_peers.txt: no package for peer0",
                          "packages.txt: peer0 is not in")


class SizesTest(Tree):
    def test_rejects_a_long_file_unless_it_is_the_heart(self):
        self.write("io/loop.cpp", SPDX + "int a;\n" * 300)
        self.assert_fails("check_sizes.py", "io/loop.cpp: 301 lines, allowed 300")
        self.write("scripts/hearts.txt", "io/loop.cpp the loop\n")
        self.assert_passes("check_sizes.py")

    def test_rejects_two_hearts_and_a_stale_one(self):
        self.write("io/loop.cpp", SPDX)
        self.write("scripts/hearts.txt", "io/loop.cpp the loop\nio/b.cpp another\n")
        self.assert_fails("check_sizes.py", "more than one heart", "remove it")

    def test_rejects_a_file_without_licence(self):
        self.write("io/loop.cpp", "int a;\n")
        self.assert_fails("check_sizes.py", "io/loop.cpp:1: no `SPDX")


class RevisionsTest(Tree):
    def test_accepts_the_table_and_comments(self):
        self.write("protocol/mcp/revision.cpp", SPDX + 'auto name = "2025-11-25";\n')
        self.write("io/a.cpp", SPDX + "// since 2025-11-25\n/* and\n2026-07-28 */\nint year = 2025 - 11 - 25;\n")
        self.assert_passes("check_revisions.py")

    def test_rejects_a_revision_elsewhere(self):
        self.write("io/a.cpp", SPDX + 'bool b = name == "2025-11-25";\n')
        self.write("daemon/b.cpp", SPDX + 'auto line = R"x({"protocolVersion":\n"2026-07-28"})x";\n')
        self.assert_fails("check_revisions.py", "io/a.cpp:2", "daemon/b.cpp:3", "protocol/mcp")


class DocsTest(Tree):
    def test_accepts_links_that_lead_somewhere(self):
        self.write("io/README.md", "# The loop: how\n[self](#the-loop-how) [up](../a.md#b) `[no](x)` [out](https://e.org/x)\n")
        self.write("a.md", "## B\n")
        self.assert_passes("check_docs.py")

    def test_rejects_broken_links(self):
        self.write("a.md", "# A\n[x](gone.md)\n[y](#nowhere)\n")
        self.assert_fails("check_docs.py", "a.md:2: link to gone.md", "a.md:3: a.md has no heading #nowhere")

    def test_rejects_a_missing_or_long_readme(self):
        self.write("io/CMakeLists.txt", "")
        self.assert_fails("check_docs.py", "io/: no README.md")
        self.write("io/README.md", "line\n" * 41)
        self.assert_fails("check_docs.py", "io/README.md: 41 lines")

    def test_rejects_a_decision_record_that_is_not_listed(self):
        self.write("docs/adr/0001-x.md", "# 0001: x\n")
        self.assert_fails("check_docs.py", "does not list 0001-x.md")
        self.write("docs/adr/README.md", "[x](0001-x.md)\n")
        self.assert_passes("check_docs.py")

    def test_rejects_addresses_of_registries(self):
        self.write("x.sh", "curl registry." + "npmjs" + ".org\n")
        self.write("package-lock.json", '{"resolved": "x"}\n')
        self.assert_fails("check_docs.py", "x.sh:1", "package-lock.json:1")

    def test_rejects_unfinished_work_and_sleeping_tests(self):
        self.write("io/a.cpp", "// TO" + "DO later\n")
        self.write("tests/io/a_test.cpp", "std::this_thread::sleep_for(1s);\n")
        self.assert_fails("check_docs.py", "io/a.cpp:1: marks", "tests/io/a_test.cpp:1: sleeps")


class LinkageTest(unittest.TestCase):
    def linkage(self, *arguments):
        done = subprocess.run([sys.executable, SCRIPTS / "linkage.py", *arguments, shutil.which("env")],
                              capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    def test_tells_a_shared_program_from_a_static_one(self):
        self.assertEqual(self.linkage("--needs", "libc.so")[0], 0)
        code, output = self.linkage("--static-pie")
        self.assertEqual(code, 1)
        self.assertIn("needs shared libraries: ", output)

    def test_misses_a_library_that_is_not_linked(self):
        code, output = self.linkage("--needs", "mimalloc")
        self.assertEqual(code, 1)
        self.assertIn("does not need mimalloc", output)


class CoverageTest(Tree):
    def summary(self, **lines):
        """A summary in llvm-cov's form: path (with _ for /) = (covered, count)."""
        files = [{"filename": str(self.root / (name.replace("_", "/") + ".cpp")),
                  "summary": {"lines": {"covered": covered, "count": count},
                              "branches": {"covered": 0, "count": 1}}} for name, (covered, count) in lines.items()]
        self.write("summary.json", json.dumps({"data": [{"files": files}]}))
        return self.run_check("coverage_report.py", str(self.root / "summary.json"))

    def test_passes_at_the_gate(self):
        code, output = self.summary(io_loop=(90, 100), ring_ring=(70, 100), tests_io=(0, 1000))
        self.assertEqual(code, 0, output)

    def test_fails_below_the_gate(self):
        code, output = self.summary(io_loop=(79, 100))
        self.assertEqual(code, 1)
        self.assertIn("79.0 % of lines covered", output)

    def test_fails_where_nothing_was_measured(self):
        self.assertEqual(self.summary(tests_io=(1, 1))[0], 1)

    def test_names_what_no_program_links(self):
        self.write("pool/lost.cpp", SPDX)
        self.assertIn("linked into no program: pool/lost.cpp", self.summary(io_loop=(1, 1))[1])


COROUTINE = """#include <coroutine>
struct Task {
  struct promise_type {
    Task get_return_object() { return {}; }
    std::suspend_never initial_suspend() { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() {}
  };
};
"""


class TidyTest(Tree):
    """clang-tidy with the project's own configuration."""

    def assert_finds(self, code, check):
        self.write("io/a.cpp", SPDX + code)
        shutil.copy(SCRIPTS.parent / ".clang-tidy", self.root)
        done = subprocess.run(["clang-tidy-19", "--quiet", self.root / "io/a.cpp", "--", "-std=c++23"],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn(f"[{check},-warnings-as-errors]", done.stdout)

    def test_rejects_a_coroutine_lambda_that_captures(self):
        self.assert_finds(COROUTINE + "void f(int n) { auto g = [n]() -> Task { (void)n; co_return; }; g(); }\n",
                          "cppcoreguidelines-avoid-capturing-lambda-coroutines")

    def test_rejects_six_parameters_and_foreign_names(self):
        self.assert_finds("int f(int a, int b, int c, int d, int e, int g) {\n  return a + b + c + d + e + g;\n}\n", "readability-function-size")
        self.assert_finds("void BadName() {}\n", "readability-identifier-naming")


if __name__ == "__main__":
    unittest.main()
