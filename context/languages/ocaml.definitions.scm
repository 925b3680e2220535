; See python.definitions.scm.

(let_binding pattern: (value_name) @name) @function
(value_specification (value_name) @name) @function
(external (value_name) @name) @function
(type_binding name: (type_constructor) @name) @type
(module_binding (module_name) @name) @module
(module_type_definition (module_type_name) @name) @interface
(exception_definition (constructor_declaration (constructor_name) @name)) @class
(constructor_declaration (constructor_name) @name) @constant
(field_declaration (field_name) @name) @field
(class_binding (class_name) @name) @class
(method_definition (method_name) @name) @method
