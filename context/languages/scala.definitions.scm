; See python.definitions.scm.

(class_definition name: (identifier) @name) @class
(object_definition name: (identifier) @name) @module
(trait_definition name: (identifier) @name) @interface
(enum_definition name: (identifier) @name) @enum
(function_definition name: (identifier) @name) @function
(function_declaration name: (identifier) @name) @function
(val_definition pattern: (identifier) @name) @variable
(var_definition pattern: (identifier) @name) @variable
(type_definition name: (type_identifier) @name) @type
