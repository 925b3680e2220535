; See python.definitions.scm.

(package_statement name: (package) @name) @module
(class_statement name: (package) @name) @class
(role_statement name: (package) @name) @class
(subroutine_declaration_statement name: (bareword) @name) @function
(method_declaration_statement name: (bareword) @name) @method
