"""A few lines of sound code in each of several languages, with characters of several bytes in them."""

from __future__ import annotations

SOURCES = {
    "python": 'import os\n\nclass A(B):\n    """é"""\n    def f(self, x=1):\n        if x:\n'
    '            return [i for i in x]\n        return f"{x!r} ß"\n\nprint(A().f(3))\n',
    "javascript": "import a from 'b';\nclass A extends B {\n  f(x) { return x.map(y => `a${y}é`) }\n}\n"
    "const e = <div a={1}>hi {y}</div>;\n",
    "typescript": "interface I<T> { x: T; f(a: number): void }\nexport class A implements I<string> {\n"
    "  private x = 'ü';\n  f<T>(x: T): T | null { return x as any }\n}\n",
    "typescriptreact": "export const A = ({ a }: P) => {\n  return <b key={a}>🦊</b>;\n};\n",
    "go": 'package a\n\nimport "fmt"\n\nfunc (t *T) F(a, b int) (int, error) {\n\tfor i := range x {\n'
    '\t\tfmt.Println("é", i)\n\t}\n\treturn a, nil\n}\n',
    "rust": "impl<T> A<T> for B {\n    fn f(&self, x: u8) -> Option<u8> {\n        match x "
    '{ 1 => Some(2), _ => None }\n    }\n}\n\nfn main() { println!("é{}", 1); }\n',
    "java": "package a;\n@X public class A<T> extends B {\n  private final int x = 1; // é\n"
    "  List<T> f() throws E { return y.stream().map(a -> a + 1); }\n}\n",
    "c": '#define X(a) (a+1)\nstatic int main(int argc, char **argv) {\n  printf("é%d");\n  return 0;\n}\n',
    "cpp": "namespace a {\ntemplate <typename T> class V : public W<T> {\n public:\n  V() : x_(1) {} // é\n"
    "  auto f() const -> int { return [&](int a){ return a; }(1); }\n};\n}\n",
}
