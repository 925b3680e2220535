; See python.definitions.scm.

(function_definition name: (name) @name) @function
(method_declaration name: (name) @name) @method
(class_declaration name: (name) @name) @class
(interface_declaration name: (name) @name) @interface
(trait_declaration name: (name) @name) @interface
(enum_declaration name: (name) @name) @enum
(enum_case name: (name) @name) @constant
(const_declaration (const_element . (name) @name)) @constant
(property_element name: (variable_name (name) @name)) @field
